import Foundation
import LoadsCore
import LoadsReport
import Testing

@Suite struct JSONWriterTests {
    private func object(_ bytes: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test(arguments: [
        "", "plain", "\"quoted\" \\ back", "line\nfeed\r\ttab", "\u{0}\u{1f}\u{7f}\u{1b}[31m", "é 漢字 👩‍👩‍👧 \u{2028}",
        "/slash/",
    ])
    func escapesEveryString(_ text: String) throws {
        var json = JSONWriter()
        json.object { json in
            json.key(escaping: text + "k")
            json.value(text)
        }
        #expect(try object(json.bytes)[text + "k"] as? String == text)
        #expect(!json.bytes.contains { $0 < 0x20 })
    }

    @Test(arguments: [
        (Int64(0), "0.000000"), (1, "0.000001"), (999_999, "0.999999"), (1_000_000, "1.000000"),
        (12_345_678_901, "12345.678901"), (-5, "-0.000005"),
    ])
    func writesNanosecondsAsMillisecondsExactly(_ nanoseconds: Int64, _ expected: String) {
        var json = JSONWriter()
        json.milliseconds(nanoseconds)
        #expect(String(decoding: json.bytes, as: UTF8.self) == expected)
    }

    @Test(arguments: [(0.0, 3, "0.000"), (1.0005, 3, "1.001"), (-0.25, 1, "-0.3"), (12.0, 0, "12"), (.nan, 2, "null")])
    func writesDecimals(_ value: Double, _ decimals: Int, _ expected: String) {
        var json = JSONWriter()
        json.value(value, decimals: decimals)
        #expect(String(decoding: json.bytes, as: UTF8.self) == expected)
    }

    @Test func placesCommasAndIndents() {
        var json = JSONWriter(indent: 2)
        json.object { json in
            json.key("a")
            json.value(1)
            json.array("b") { json in
                json.object { $0.object("c") { _ in } }
                json.value(true)
            }
        }
        #expect(
            String(decoding: json.bytes, as: UTF8.self) == """
                {
                  "a": 1,
                  "b": [
                    {
                      "c": {}
                    },
                    true
                  ]
                }
                """)
    }

    @Test func writesAHitAsOneLine() {
        var json = JSONWriter()
        var hit = RawHit(
            time: 1.25, user: 3, iteration: 7, name: "sign \"in\"", method: "POST", url: "http://127.0.0.1/login",
            status: 201, latency: 1_234_567, bytes: 321, requests: 2, error: nil)
        json.line(hit)
        hit.status = nil
        hit.error = "timeout"
        json.line(hit)
        #expect(
            String(decoding: json.bytes, as: UTF8.self) == #"""
                {"t":1.250000,"user":3,"iteration":7,"name":"sign \"in\"","method":"POST","url":"http://127.0.0.1/login","status":201,"ms":1.234567,"bytes":321,"requests":2,"error":null}
                {"t":1.250000,"user":3,"iteration":7,"name":"sign \"in\"","method":"POST","url":"http://127.0.0.1/login","status":null,"ms":1.234567,"bytes":321,"requests":2,"error":"timeout"}

                """#)
    }
}

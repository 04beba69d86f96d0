import TestSupport
import Testing

@testable import LoadsAgent

/// What a program writes, divided into records, however it arrives.
@Suite struct LineSplitterTests {
    static func records(_ chunks: [[UInt8]]) -> [LineSplitter.Record] {
        var splitter = LineSplitter()
        var records: [LineSplitter.Record] = []
        for chunk in chunks { chunk.withUnsafeBytes { splitter.take($0) { records.append($0) } } }
        splitter.finish { records.append($0) }
        return records
    }

    private static func map(_ entries: (String, LineValue)...) -> LineSplitter.Record {
        .value(.map(entries.map { .init(key: $0.0, value: $0.1) }))
    }

    private static let text = """
        {"ms":12.5,"name":"a","ok":true}

        {"n": -3, "u": "\\u00e9\\ud83d\\ude00\\n", "l": [1, null, {"x": false}] }\r
        nonsense
        {"ms":1e-3}
        """

    @Test(arguments: [1, 2, 3, 7, 1000]) func linesMayArriveInAnyPieces(size: Int) {
        let bytes = Array(Self.text.utf8)
        let chunks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        let records = Self.records(chunks)
        #expect(
            records == [
                Self.map(("ms", .double(12.5)), ("name", .string("a")), ("ok", .bool(true))),
                Self.map(
                    ("n", .int(-3)), ("u", .string("é😀\n")),
                    ("l", .array([.int(1), .null, .map([.init(key: "x", value: .bool(false))])]))),
                .garbage(reason: "it is no JSON", sample: "nonsense"), Self.map(("ms", .double(0.001))),
            ])
    }

    private static let packed: [UInt8] =
        [0x82, 0xa2, 0x6d, 0x73, 0xcb, 0x40, 0x29, 0, 0, 0, 0, 0, 0, 0xa4, 0x6e, 0x61, 0x6d, 0x65, 0xa1, 0x61]
        + [0xde, 0, 3, 0xa1, 0x61, 0xd1, 0xff, 0xfe, 0xa1, 0x62, 0xcd, 1, 0, 0xa1, 0x63, 0xc4, 1, 7]
        + [0x81, 0xd9, 1, 0x78, 0x93, 0xc0, 0xc3, 0xca, 0x3f, 0x80, 0, 0]

    @Test(arguments: [1, 2, 5, 1000]) func mapsMayArriveInAnyPieces(size: Int) {
        let bytes = Self.packed
        let chunks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        #expect(
            Self.records(chunks) == [
                Self.map(("ms", .double(12.5)), ("name", .string("a"))),
                Self.map(("a", .int(-2)), ("b", .int(256)), ("c", .null)),
                Self.map(("x", .array([.null, .bool(true), .double(1)]))),
            ])
    }

    @Test(arguments: [
        ("0", LineValue.int(0)), ("-0", .int(0)), ("12345678901234567", .int(12_345_678_901_234_567)),
        ("1234567890123456789012", .double(1.2345678901234568e21)), ("0.1", .double(0.1)),
        ("-12.75", .double(-12.75)), ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)),
        ("3.141592653589793238", .double(3.141592653589793)), ("2E+3", .double(2000)), ("\"\"", .string("")),
        ("\"a\\\"b\\\\c\\/\"", .string("a\"b\\c/")), ("\"\\ud83dx\"", .string("\u{fffd}x")),
        ("\"\\udc00\"", .string("\u{fffd}")), ("[]", .array([])), ("{}", .map([])), ("null", .null),
    ])
    func readsJSON(_ text: String, _ value: LineValue) {
        #expect(Self.records([Array(text.utf8)]) == [.value(value)])
    }

    @Test(arguments: [
        "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{'a':1}", "[1,]", "[1 2]", "\"",
        "\"\\",
        "\"\\x\"", "\"\\u12\"", "\"\u{01}\"", "tru", "nul", "-", "+1", "1.2.3", "1e", "1e999", "NaN", "Infinity",
        "{}{}",
        "{} x", "[[[[[[[[[1]]]]]]]]]", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}", "]", "}",
        ",",
        "\u{feff}{}", "HTTP/1.1 200 OK", "Traceback (most recent call last):",
    ])
    func whatIsNoJSONIsGarbage(_ text: String) {
        let records = Self.records([Array(text.utf8), Array("\n{\"ms\":1}\n".utf8)])
        guard case .garbage(let reason, _)? = records.first else {
            Issue.record("\(records)")
            return
        }
        #expect(!reason.isEmpty)
        #expect(records.dropFirst().elementsEqual([Self.map(("ms", .int(1)))]), "the next line counts again")
    }

    @Test func aLineWithoutEndCostsNoMemoryAndTheNextOneCounts() {
        var splitter = LineSplitter()
        var records: [LineSplitter.Record] = []
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 60_000)
        for _ in 0..<500 { chunk.withUnsafeBytes { splitter.take($0) { records.append($0) } } }
        Array("\n{\"a\":1}\n".utf8).withUnsafeBytes { splitter.take($0) { records.append($0) } }
        #expect(records.count == 2 && records.last == Self.map(("a", .int(1))))
        guard case .garbage(let reason, let sample)? = records.first else { return }
        #expect(reason.contains("longer") && sample.utf8.count < 130)
    }

    @Test(
        arguments: [
            [0x81, 0xc1], [0xdf, 0xff, 0xff, 0xff, 0xff], [0x81, 0xa1, 0x61, 0xdd, 0x7f, 0xff, 0xff, 0xff],
            [0x81, 0xa1, 0x61, 0xdb, 0xff, 0xff, 0xff, 0xff], [0x81, 0xa1, 0x61, 0xc9, 0xff, 0xff, 0xff, 0xff],
            [0x81, 0xa1, 0x61] + [UInt8](repeating: 0x91, count: 20),
        ] as [[UInt8]])
    func brokenMessagePackEndsTheReading(_ bytes: [UInt8]) {
        let records = Self.records([bytes, [UInt8](repeating: 0x81, count: 100_000)])
        #expect(records.count == 1)
        guard case .garbage? = records.first else {
            Issue.record("\(records)")
            return
        }
    }

    @Test func aMapThatIsCutOffIsGarbage() {
        #expect(Self.records([[0x82, 0xa1, 0x61]]) == [.garbage(reason: "it is cut off", sample: "MessagePack")])
    }

    @Test func anyBytesAreSurvived() {
        var random = SeededGenerator(seed: 1)
        let seeds = [Array(Self.text.utf8), Self.packed]
        for round in 0..<3000 {
            var bytes = seeds[round % 2]
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                }
            }
            for case .value(let value) in Self.records([bytes]) { _ = try? LineResult(value) }
        }
    }
}

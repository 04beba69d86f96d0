import Testing

@testable import LoadsExport

@Suite struct ScrapeRequestTests {
    private static let table: [(String, ScrapeRequest.Answer?)] = [
        ("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n", .metrics(withBody: true)),
        ("GET /metrics?x=1 HTTP/1.0\n\n", .metrics(withBody: true)),
        ("HEAD /metrics HTTP/1.1\r\n\r\n", .metrics(withBody: false)), ("GET / HTTP/1.1\r\n\r\n", .index),
        ("GET /metrics/ HTTP/1.1\r\n\r\n", .notFound), ("POST /metrics HTTP/1.1\r\n\r\n", .notAllowed),
        ("GET /metrics\r\n\r\n", .malformed), ("\r\n\r\n", .malformed), ("GET /metrics HTTP/1.1\r\nHost: h\r\n", nil),
        ("", nil),
    ]

    @Test(arguments: table.indices) func understandsARequest(_ index: Int) {
        let (text, answer) = Self.table[index]
        var request = ScrapeRequest()
        #expect(request.receive(Array(text.utf8)) == answer, "\(text)")
    }

    @Test(arguments: table.indices) func understandsItByteByByte(_ index: Int) {
        let (text, answer) = Self.table[index]
        var request = ScrapeRequest()
        var found: ScrapeRequest.Answer?
        for byte in Array(text.utf8) where found == nil { found = request.receive([byte]) }
        #expect(found == answer, "\(text)")
    }

    @Test func aHeadWithoutAnEndIsGivenUp() {
        var request = ScrapeRequest()
        #expect(request.receive([UInt8](repeating: 0x61, count: ScrapeRequest.limit + 1)) == .malformed)
    }
}

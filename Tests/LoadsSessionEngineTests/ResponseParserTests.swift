import Testing

@testable import LoadsSession

/// What a parser made of a response.
private struct Reading: Equatable {
    var status = 0
    var head = ""
    var body: [UInt8] = []
    var informational = 0
    /// Taken by the response; what follows belongs to nobody.
    var length: Int?
    var keepsConnection = false
    var closing: ResponseParser.Closing?
    var problem: String?

    var text: String { String(decoding: body, as: UTF8.self) }

    /// Feeds a parser in pieces of so many bytes, then closes.
    init(_ bytes: [UInt8], pieces: Int = .max, isHead: Bool = false) {
        var parser = ResponseParser()
        parser.begin(isHead: isHead)
        var fed = 0
        do {
            while fed < bytes.count {
                let piece = Array(bytes[fed..<min(bytes.count, fed + min(pieces, bytes.count))])
                if try feed(piece, &parser, fed) { return }
                fed += piece.count
            }
            closing = parser.closing()
        } catch let error as ResponseParser.Problem { problem = error.reason } catch { problem = "\(error)" }
    }

    init(_ text: String, pieces: Int = .max, isHead: Bool = false) {
        self.init(Array(text.utf8), pieces: pieces, isHead: isHead)
    }

    /// Returns whether the response ended.
    private mutating func feed(_ piece: [UInt8], _ parser: inout ResponseParser, _ fed: Int) throws -> Bool {
        var offset = 0
        return try piece.withUnsafeBufferPointer { input in
            while true {
                switch try parser.next(input, &offset) {
                case .more:
                    // A parser that leaves bytes without an event would turn for ever.
                    #expect(offset == piece.count)
                    return false
                case .informational: informational += 1
                case .head:
                    status = parser.status
                    head = String(decoding: parser.head, as: UTF8.self)
                    keepsConnection = parser.keepsConnection
                case .body(let range): body += input[range]
                case .end:
                    length = fed + offset
                    return true
                }
            }
        }
    }
}

@Suite struct ResponseParserTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var body = ""
        var status = 200
        var head = ""
        var keeps = true
        /// False when the response ends with its connection.
        var ends = true
        var isHead = false
        var informational = 0
        var rest = ""
        var testDescription: String { text.replacing("\r\n", with: "␤") }
    }

    static let proper = [
        Case(text: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", body: "abc", head: "Content-Length: 3\r\n"),
        Case(
            text: "HTTP/1.1 200 OK\r\ncontent-length:3\r\n\r\nabcX", body: "abc", head: "content-length:3\r\n",
            rest: "X"),
        Case(text: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", head: "Content-Length: 0\r\n"),
        Case(text: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", status: 204, head: "Content-Length: 5\r\n"),
        Case(
            text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", status: 304, head: "Content-Length: 5\r\n"),
        Case(
            text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", head: "Transfer-Encoding: chunked\r\n",
            isHead: true),
        Case(text: "HTTP/1.1 200 OK\r\n\r\n", isHead: true),
        Case(text: "HTTP/1.1 200 OK\r\n\r\nall of it", body: "all of it", keeps: false, ends: false),
        Case(text: "HTTP/1.0 200 OK\r\n\r\nold", body: "old", keeps: false, ends: false),
        Case(
            text: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", body: "x", head: "Content-Length: 1\r\n",
            keeps: false),
        Case(
            text: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", body: "x",
            head: "Connection: Keep-Alive\r\nContent-Length: 1\r\n"),
        Case(
            text: "HTTP/1.1 200 OK\r\nConnection: x , Close\r\nContent-Length: 1\r\n\r\nx", body: "x",
            head: "Connection: x , Close\r\nContent-Length: 1\r\n", keeps: false),
        Case(
            text: "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\nabc", body: "abc",
            head: "Content-Length: 3, 3\r\nContent-Length: 3\r\n"),
        Case(
            text:
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\n",
            body: "abc0123456789", head: "Transfer-Encoding: chunked\r\n"),
        Case(
            text:
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1 \r\na\r\n000\r\nX-Trailer: 1\r\nY: 2\r\n\r\nZ",
            body: "a", head: "Transfer-Encoding: Chunked\r\n", rest: "Z"),
        Case(
            text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nx", body: "x",
            head: "Transfer-Encoding: identity\r\nContent-Length: 1\r\n"),
        Case(
            text: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            body: "a", head: "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n", keeps: false),
        Case(
            text:
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\nx",
            body: "x", status: 201, head: "Content-Length: 1\r\n", informational: 2),
        Case(text: "HTTP/1.1 200 OK\nContent-Length: 1\nX: y\n\nz", body: "z", head: "Content-Length: 1\nX: y\n"),
        Case(
            text: "HTTP/1.1 200 OK\r\nX: a\r\n  b\r\nContent-Length: 1\r\n\r\nz", body: "z",
            head: "X: a\r\n  b\r\nContent-Length: 1\r\n"),
        Case(
            text: "HTTP/1.1 599 Strange: words\r\nContent-Length: 0\r\n\r\n", status: 599, head: "Content-Length: 0\r\n"
        ),
    ]

    @Test(arguments: proper) func aProperResponseIsReadWhateverPiecesItComesIn(response: Case) {
        for pieces in [Int.max, 1, 2, 3, 7] {
            let reading = Reading(response.text, pieces: pieces, isHead: response.isHead)
            #expect(reading.problem == nil, "in pieces of \(pieces)")
            #expect(reading.status == response.status)
            #expect(reading.head == response.head)
            #expect(reading.text == response.body)
            #expect(reading.informational == response.informational)
            #expect(reading.keepsConnection == response.keeps)
            if response.ends {
                #expect(reading.length == response.text.utf8.count - response.rest.utf8.count)
            } else {
                #expect(reading.length == nil && reading.closing == .complete)
            }
        }
    }

    @Test(arguments: [
        "\u{1}\u{2}SSH", "SSH-2.0-x", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.x 200 OK\r\n\r\n", "HTTP/1.1 000 OK\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;x\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\rx\na",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    ]) func whatIsNoResponseIsRefusedWhateverPiecesItComesIn(text: String) {
        for pieces in [Int.max, 1, 5] { #expect(Reading(text, pieces: pieces).problem != nil, "pieces of \(pieces)") }
    }

    @Test(arguments: [
        "H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n",
    ]) func aConnectionThatEndsTooEarlyLeavesAnIncompleteResponse(text: String) {
        #expect(Reading(text).closing == .premature)
        #expect(Reading(text, pieces: 1).closing == .premature)
    }

    @Test func aConnectionThatEndsBeforeTheResponseIsToldApart() {
        #expect(ResponseParser().closing() == .beforeResponse)
        #expect(Reading("HTTP/1.1 103 Hints\r\n\r\n").closing == .beforeResponse)
    }

    @Test(arguments: [Int.max, 1000]) func whatNeverEndsIsRefused(pieces: Int) {
        let long = String(repeating: "X: y\r\n", count: 60_000)
        #expect(Reading("HTTP/1.1 200 OK\r\n" + long, pieces: pieces).problem != nil)
        #expect(Reading("HTTP/1.1 200 OK\r\n" + long + "\r\n", pieces: pieces).problem != nil)
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(Reading(chunked + "1;" + String(repeating: "x", count: 20_000), pieces: pieces).problem != nil)
        #expect(Reading(chunked + String(repeating: "0", count: 20_000), pieces: pieces).problem != nil)
        #expect(Reading(chunked + "0\r\n" + long, pieces: pieces).problem != nil)
    }

    @Test func aParserIsUsedForOneResponseAfterTheOther() throws {
        var parser = ResponseParser()
        for (text, isHead) in [
            ("HTTP/1.0 200 OK\r\n\r\n", true), ("HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx", false),
        ] {
            parser.begin(isHead: isHead)
            #expect(parser.closing() == .beforeResponse)
            var offset = 0
            try Array(text.utf8).withUnsafeBufferPointer { input in
                while try parser.next(input, &offset) != .end {}
            }
            #expect(offset == text.utf8.count)
        }
        #expect(parser.status == 404 && parser.keepsConnection && parser.length == 1)
    }

    /// Whatever the bytes are and however they are cut, reading ends, and in the same way.
    @Test func hostileBytesEndTheSameHoweverTheyAreCut() {
        var random = SplitMix(seed: 20_261_125)
        let spices = Array("\r\n:;, \t0aFzHTTP/1.1chunked".utf8) + [0, 0x7F, 0x80, 0xFF]
        var refused = 0
        for round in 0..<20_000 {
            var bytes = Array(Self.proper[round % Self.proper.count].text.utf8)
            for _ in 0...random.index(below: 4) {
                let place = random.index(below: bytes.count)
                switch random.index(below: 4) {
                case 0: bytes[place] = spices[random.index(below: spices.count)]
                case 1: bytes.insert(spices[random.index(below: spices.count)], at: place)
                case 2: if bytes.count > 1 { bytes.remove(at: place) }
                default: bytes.replaceSubrange(place..., with: bytes[random.index(below: bytes.count)...])
                }
            }
            let isHead = round % 5 == 0
            let whole = Reading(bytes, isHead: isHead)
            let cut = Reading(bytes, pieces: 1 + random.index(below: 9), isHead: isHead)
            #expect(whole == cut, "\(String(decoding: bytes, as: UTF8.self))")
            if whole.problem != nil { refused += 1 }
        }
        #expect(refused > 1000)
    }
}

/// Reproducible random numbers (SplitMix64, Steele et al. 2014).
private struct SplitMix {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func index(below limit: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((value ^ (value >> 31)) % UInt64(limit))
    }
}

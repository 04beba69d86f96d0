import Testing

@testable import LoadsTestServer

@Suite struct RequestParserTests {
    /// Everything a parser says of some bytes that come in pieces of a size.
    private func events(_ text: String, piece: Int = .max) -> [RequestParser.Event] {
        var parser = RequestParser()
        var events: [RequestParser.Event] = []
        var bytes = Array(text.utf8)[...]
        repeat {
            let part = Array(bytes.prefix(piece))
            bytes = bytes.dropFirst(part.count)
            part.withUnsafeBytes { parser.receive($0) }
            while let event = parser.next() {
                // How a body is cut up depends on the pieces; what it is does not.
                if case .body(let more) = event, case .body(let known)? = events.last {
                    events[events.count - 1] = .body(known + more)
                } else {
                    events.append(event)
                }
            }
        } while !bytes.isEmpty
        return events
    }

    private func head(_ events: [RequestParser.Event]) throws -> RequestHead {
        guard case .head(let head)? = events.first else { throw Missing() }
        return head
    }
    private struct Missing: Error {}

    @Test(arguments: [1, 2, 3, 7, 64, .max])
    func aRequestIsTheSameHoweverItsBytesArrive(piece: Int) throws {
        let all = events(
            "POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
                + "PUT /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n"
                + "\r\nGET /e HTTP/1.0\r\n\r\n", piece: piece)
        #expect(all.count == 8)
        let first = try head(all)
        #expect((first.method, first.target) == ("POST", "/a?b=c"))
        #expect((String(first.path), String(first.query)) == ("/a", "b=c"))
        #expect(first.header("host") == "h")
        #expect(first.framing == .length(5) && first.keepsAlive)
        #expect(all[1] == .body(Array("hello".utf8)) && all[2] == .end)
        #expect(try head(Array(all[3...])).framing == .chunked)
        #expect(all[4] == .body(Array("abc0123456789".utf8)) && all[5] == .end)
        #expect(try !head(Array(all[6...])).keepsAlive)
        #expect(all[7] == .end)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n", true), ("GET / HTTP/1.1\r\nConnection: close\r\n", false),
        ("GET / HTTP/1.0\r\n", false), ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", true),
    ])
    func knowsWhetherTheConnectionLives(text: String, keeps: Bool) throws {
        #expect(try head(events(text + "\r\n")).keepsAlive == keeps)
    }

    @Test func knowsWhoWaitsForPermissionToSend() throws {
        #expect(try head(events("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")).expectsContinue)
    }

    @Test(arguments: [
        ("GARBAGE\r\n\r\n", 400), ("\u{16}\u{3}\u{1}", 400), ("get / HTTP/1.1\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\n\r\n", 400),
        ("GET nothing HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\n\r\n", 505), ("GET / FTP/1.1\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: \r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400), ("GET / HTTP/1.1\r\n: v\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
    ])
    func refusesWhatIsNotHTTP(text: String, status: Int) {
        let all = events(text)
        guard case .failed(status, _)? = all.first else {
            Issue.record("\(text): \(all)")
            return
        }
        #expect(all.count == 1)
    }

    @Test(arguments: [
        "x\r\n", "\r\n", "1\r\nab\r\n", "fffffffffffffffff\r\n", "-1\r\n", "1;\(String(repeating: "x", count: 2000))",
    ])
    func refusesBadChunks(text: String) {
        let all = events("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + text)
        guard case .failed(400, _)? = all.last else {
            Issue.record("\(text): \(all)")
            return
        }
    }

    @Test func refusesHeadersWithoutEnd() {
        let long = "GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 20_000)
        for text in [long, long + "\r\n"] {
            guard case .failed(431, _)? = events(text, piece: 4096).first else {
                Issue.record("taken")
                return
            }
        }
    }

    @Test func saysNothingAfterAFailure() {
        #expect(events("GARBAGE\r\n\r\nGET / HTTP/1.1\r\n\r\n").count == 1)
    }
}

import HTTPTypes
import LoadsEventLoop
import TestSupport
import Testing

@testable import LoadsSession

/// Answers each request with the request itself.
private func mirror() -> ScriptedServer {
    ScriptedServer { connection in
        while let request = connection.request() {
            let text = request.head + String(decoding: request.body, as: UTF8.self)
            connection.respond(request.line.hasPrefix("HEAD") ? "" : text, headers: "X-Size: \(request.size)\r\n")
        }
    }
}

@Suite(.eachEngine) struct RequestTests {
    @Test func aPageComesWithStatusHeadAndBody() async throws {
        let nginx = try await Nginx.shared
        try await Client.with { client async throws in
            let result = try await client.get(nginx.url + "/")
            #expect(result.status == 200)
            #expect(result.version == "HTTP/1.1")
            #expect(result.text == Nginx.page)
            #expect(result.headText.hasPrefix("Server: nginx"))
            #expect(result.headText.hasSuffix("\r\n") && !result.headText.hasSuffix("\r\n\r\n"))
            #expect(result.requests == 1)
            #expect(try await client.get(nginx.url + "/missing").status == 404)
            #expect(try await client.get(nginx.url + "/empty").status == 204)
        }
    }

    @Test func everyMethodAndBodyGoesOutAsItIsOnOneConnection() async throws {
        let server = mirror()
        let url = server.url
        struct Case {
            var method: HTTPRequest.Method
            var body: ExchangeBody
            var sent: String
            var length: String?
        }
        let cases: [Case] = [
            Case(method: .get, body: .none, sent: "", length: nil),
            Case(method: .post, body: .bytes(Array("abc".utf8)), sent: "abc", length: "3"),
            Case(method: .get, body: .none, sent: "", length: nil),
            Case(method: .post, body: .none, sent: "", length: "0"),
            Case(method: .put, body: .bytes([]), sent: "", length: "0"),
            Case(method: .get, body: .bytes(Array("asked".utf8)), sent: "asked", length: "5"),
            Case(method: .delete, body: .none, sent: "", length: nil),
            Case(method: .head, body: .none, sent: "", length: nil),
            Case(method: .delete, body: .bytes(Array("x".utf8)), sent: "x", length: "1"),
            Case(method: .patch, body: stream(["a", "bc"], length: 3), sent: "abc", length: "3"),
            Case(method: .options, body: .none, sent: "", length: nil),
            Case(method: .post, body: stream(["a", "", "bc"], length: nil), sent: "abc", length: nil),
            Case(method: .put, body: stream([], length: nil), sent: "", length: nil),
            Case(method: .init("BREW")!, body: .bytes(Array("pot".utf8)), sent: "pot", length: "3"),
            Case(method: .head, body: .bytes(Array("pot".utf8)), sent: "", length: nil),
            Case(method: .post, body: stream(["q"], length: 1), sent: "q", length: "1"),
            Case(method: .post, body: .bytes(Array("abc".utf8)), sent: "abc", length: "3"),
            Case(method: .get, body: .none, sent: "", length: nil),
        ]
        try await Client.with { client async throws in
            for step in cases {
                let result = try await client.get(url + "/a/../b?q=%20") {
                    $0.method = step.method
                    $0.body = step.body
                    $0.headers = [("X-One", "1"), ("X-Empty", "")]
                }
                #expect(result.status == 200)
                if step.method == .head {
                    #expect(result.body.isEmpty)
                    continue
                }
                let text = result.text
                #expect(text.hasPrefix("\(step.method.rawValue) /a/../b?q=%20 HTTP/1.1\r\n"))
                #expect(text.hasSuffix("\r\n\r\n" + step.sent), "\(text)")
                let lower = text.lowercased()
                #expect(lower.contains("\r\nx-one: 1\r\n") && lower.contains("\r\nx-empty:\r\n"))
                for name in ["expect", "accept", "user-agent", "content-type"] {
                    #expect(!lower.contains("\r\n\(name):"), "\(text)")
                }
                if let length = step.length {
                    #expect(lower.contains("\r\ncontent-length: \(length)\r\n"), "\(text)")
                } else {
                    #expect(!lower.contains("\r\ncontent-length:"), "\(text)")
                }
                #expect(
                    result.headText.contains("X-Size: \(result.bytesSent)\r\n"), "\(step.method) \(result.bytesSent)")
            }
        }
        #expect(server.connections == 1)
    }

    private func stream(_ chunks: [String], length: Int?) -> ExchangeBody {
        let source = Journal()
        return .stream(length: length) {
            let index = source.lines.count
            source.add("asked")
            await Task.yield()
            return index < chunks.count ? Array(chunks[index].utf8) : nil
        }
    }

    @Test(arguments: [32 * 1024, 32 * 1024 + 1, 3 << 20]) func aLargeBodyArrivesWhole(size: Int) async throws {
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let server = ScriptedServer { connection in
            while let request = connection.request() {
                connection.respond(request.body == body ? "same \(request.size)" : "other")
            }
        }
        let url = server.url
        try await Client.with { client async throws in
            for _ in 0..<2 {
                let result = try await client.get(url) {
                    $0.method = .post
                    $0.body = .bytes(body)
                }
                #expect(result.text == "same \(result.bytesSent)")
            }
        }
    }

    @Test(arguments: [2, 5]) func aStreamOfTheWrongLengthIsAnError(length: Int) async throws {
        let server = mirror()
        let url = server.url
        try await Client.with { client async throws in
            let error = try await client.failure(url) {
                $0.method = .post
                $0.body = stream(["a", "bc"], length: length)
            }
            #expect(error.code == .body)
            #expect(error.message.contains("3 bytes"))
            #expect(try await client.get(url).status == 200)
        }
    }

    @Test func anErrorOfTheSourceEndsTheExchange() async throws {
        struct Empty: Error {}
        let server = mirror()
        let url = server.url
        try await Client.with { client async throws in
            let error = try await client.failure(url) {
                $0.method = .put
                $0.body = .stream(length: nil) { throw Empty() }
            }
            #expect(error.code == .body)
            #expect(error.cause is Empty)
            #expect(error.message.contains(url))
        }
    }

    @Test func theSourceOfAnAbandonedExchangeIsCancelled() async throws {
        let server = ScriptedServer { connection in _ = connection.bytes(1 << 20) }
        let url = server.url
        let journal = Journal()
        try await Client.with { client async throws in
            // Nothing is cancelled that was not asked: where the machine is so busy, more time is given.
            var code: SessionError.Code?
            for patience in [Duration.milliseconds(100), .seconds(2), .seconds(15)] where journal.lines.isEmpty {
                let error = try await client.failure(url) {
                    $0.method = .put
                    $0.deadline = .now.advanced(by: patience)
                    $0.body = .stream(length: nil) {
                        journal.add("asked")
                        do { try await Task.sleep(for: .seconds(60)) } catch { journal.add("cancelled") }
                        return nil
                    }
                }
                code = error.code
            }
            #expect(code == .timeout)
            try #require(journal.lines.first == "asked")
            while journal.lines.count == 1 { await Task.yield() }
            #expect(journal.lines == ["asked", "cancelled"])
        }
    }

    @Test func aHeaderOfTheCallersReplacesLibcurlsOwn() async throws {
        let server = mirror()
        let url = server.url
        try await Client.with { client async throws in
            let result = try await client.get(url) {
                $0.headers = [("Accept", "text/html"), ("User-Agent", "loads"), ("content-type", "text/plain")]
                $0.method = .post
                $0.body = .bytes([65])
            }
            #expect(result.text.contains("\r\nAccept: text/html\r\nUser-Agent: loads\r\ncontent-type: text/plain\r\n"))
            #expect(!(try await client.get(url).text.contains("text/html")))
        }
    }
}

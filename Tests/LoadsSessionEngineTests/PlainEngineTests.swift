import Glibc
import HTTPTypes
import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsSession

/// What is particular to connections without libcurl.
@Suite struct PlainEngineTests {
    // MARK: Which exchanges are plain

    private func isPlain(_ url: String, _ change: (inout Exchange) -> Void = { _ in }) async -> Bool {
        let loop = EventLoop(name: "plain-test")
        var exchange = Exchange(url: url, deadline: .distantFuture)
        change(&exchange)
        let isPlain = PlainShared(loop: loop, resolver: fixedNames([:])).request(for: exchange) != nil
        await loop.shutdown()
        return isPlain
    }

    @Test(arguments: [
        ("http://blog.test/", true), ("HTTP://Blog.Test:8080/a?b=%20", true), ("http://127.0.0.1", true),
        ("http://[::1]:80?q", true), ("https://blog.test/", false), ("", false), ("http:", false), ("http://", false),
        ("http:///x", false), ("http://a b/", false), ("http://user@blog.test/", false), ("http://blog.test:0/", false),
        ("http://blog.test:99999/", false), ("http://bücher.test/", false), ("http://127.1/", false),
        ("http://0x7f000001/", false), ("http://blog.test/#x", false), ("http://blog.test/a b", false),
        ("http://blog.test/\r\nX: y", false), ("ftp://blog.test/", false),
    ]) func onlyProperPlainURLsAreForIt(url: String, expected: Bool) async {
        #expect(await isPlain(url) == expected)
    }

    @Test func whatNeedsMoreIsForLibcurl() async {
        let url = "http://blog.test/"
        #expect(await isPlain(url) { $0.connection.proxy = "" })
        #expect(await !isPlain(url) { $0.connection.proxy = "http://127.0.0.1:3128" })
        #expect(await !isPlain(url) { $0.connection.unixSocket = "/x" })
        #expect(await !isPlain(url) { $0.connection.digestUser = "tarek" })
        #expect(await isPlain(url) { $0.connection.pins = ["blog.test:80": "127.0.0.1:8080"] })
        #expect(await !isPlain(url) { $0.connection.pins = ["blog.test:80": "127.0.0.1:x"] })
        for name in ["Expect", "Upgrade", "Content-Length", "transfer-encoding", "TE", "a b", ""] {
            #expect(await !isPlain(url) { $0.headers = [(name, "x")] }, "\(name)")
        }
        #expect(await isPlain(url) { $0.headers = [("Connection", "Close"), ("Host", "other"), ("X", "é")] })
        #expect(await !isPlain(url) { $0.headers = [("Connection", "Upgrade")] })
        #expect(await !isPlain(url) { $0.headers = [("X", "a\r\nY: b")] })
        #expect(await !isPlain(url) { $0.method = HTTPRequest.Method("CONNECT")! })
    }

    @Test func equalRequestsAreSerialisedOnce() async throws {
        let loop = EventLoop(name: "plain-test")
        let shared = PlainShared(loop: loop, resolver: fixedNames([:]))
        var exchange = Exchange(url: "http://blog.test/?q", headers: [("X", "1")], deadline: .distantFuture)
        let first = try #require(shared.request(for: exchange))
        #expect(
            String(decoding: first.whole, as: UTF8.self) == "GET /?q HTTP/1.1\r\nHost: blog.test\r\nX: 1\r\n\r\n")
        exchange.headers = [("X", "1")]
        #expect(shared.request(for: exchange) === first)
        exchange.headers = [("X", "2")]
        let second = try #require(shared.request(for: exchange))
        #expect(second !== first && second.place === first.place)
        exchange.connection.pins = ["blog.test:80": "127.0.0.1"]
        #expect(shared.request(for: exchange)?.place.host == "127.0.0.1")
        for number in 0..<100 {
            exchange.url = "http://blog.test/\(number)"
            #expect(shared.request(for: exchange)?.head.starts(with: "GET /\(number) ".utf8) == true)
        }
        await loop.shutdown()
    }

    @Test func addressesOfBothProtocolsRaceInLibcurl() {
        let place = PlainPlace(url: "http://blog.test/", pins: [:])
        place?.set(Resolver.Answer(addresses: ["192.0.2.1", "192.0.2.2"], expires: .distantFuture))
        #expect(place?.mixesProtocols == false)
        #expect(place?.addresses { 3 }.count == 2)
        place?.set(Resolver.Answer(addresses: ["192.0.2.1", "2001:db8::1"], expires: .distantFuture))
        #expect(place?.mixesProtocols == true)
    }

    // MARK: Connections

    @Test func whatTheServerSaysUnaskedEndsAConnection() async throws {
        let server = ScriptedServer { connection in
            while connection.request() != nil {
                connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(connection.number)HTTP/1.1 200 OK\r\n\r\n")
            }
        }
        let url = server.url
        try await Client.with { client async throws in
            for expected in 1...3 { #expect(try await client.get(url).text == "\(expected)") }
        }
    }

    @Test(arguments: ["server", "caller", "HTTP/1.0"]) func aConnectionThatIsToCloseIsNotUsedAgain(who: String)
        async throws
    {
        let server = ScriptedServer { connection in
            while connection.request() != nil {
                let version = who == "HTTP/1.0" ? who : "HTTP/1.1"
                let field = who == "server" ? "Connection: close\r\n" : ""
                connection.send("\(version) 200 OK\r\nContent-Length: 1\r\n\(field)\r\n\(connection.number)")
            }
        }
        let url = server.url
        try await Client.with { client async throws in
            for expected in 1...3 {
                let result = try await client.get(url) {
                    if who == "caller" { $0.headers = [("Connection", "close")] }
                }
                #expect(result.text == "\(expected)")
            }
        }
    }

    @Test func aRequestThatWasPartlyAnsweredIsNotSentAgain() async throws {
        let server = ScriptedServer { connection in
            _ = connection.request()
            connection.respond("first")
            _ = connection.request()
            connection.send("HTTP/1.1 1")
        }
        let url = server.url
        try await Client.with { client async throws in
            #expect(try await client.get(url).text == "first")
            #expect(try await client.failure(url).code == .reset)
        }
        #expect(server.connections == 1)
    }

    @Test func aStreamThatHasBegunIsNotSentAgain() async throws {
        let server = ScriptedServer { connection in
            _ = connection.request()
            connection.respond("first")
            // More than the head: the stream has begun.
            _ = connection.bytes(1000)
        }
        let url = server.url
        try await Client.with { client async throws in
            #expect(try await client.get(url).text == "first")
            let error = try await client.failure(url) {
                $0.method = .put
                $0.body = .stream(length: nil) { [UInt8](repeating: 1, count: 1000) }
            }
            #expect(error.code == .reset)
        }
        #expect(server.connections == 1)
    }

    @Test func aRequestIsTriedAgainOnceOnly() async throws {
        let server = ScriptedServer { connection in
            if connection.number == 1 {
                _ = connection.request()
                connection.respond("first")
            }
            _ = connection.request()
        }
        let url = server.url
        try await Client.with { client async throws in
            #expect(try await client.get(url).text == "first")
            #expect(try await client.failure(url).code == .reset)
        }
        #expect(server.connections == 2)
    }

    // MARK: Answers before the request is sent

    @Test func aRefusalInTheMiddleOfARequestEndsIt() async throws {
        let server = ScriptedServer { connection in
            _ = connection.bytes(1000)
            connection.respond("too much", status: "413 Too Much")
            connection.awaitClose()
        }
        let url = server.url
        try await Client.with { client async throws in
            let result = try await client.get(url) {
                $0.method = .post
                $0.body = .stream(length: nil) { [UInt8](repeating: 1, count: 1000) }
            }
            #expect(result.status == 413 && result.text == "too much")
            #expect(
                try await client.get(url) {
                    $0.method = .post
                    $0.body = .bytes([UInt8](repeating: 1, count: 20_000_000))
                }.status == 413)
        }
        #expect(server.connections == 2)
    }

    @Test func aServerThatAnswersEarlyStillGetsTheWholeRequest() async throws {
        let journal = Journal()
        let server = ScriptedServer { connection in
            for _ in 0..<2 {
                var head: [UInt8] = []
                while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
                    head += connection.bytes(1) ?? [13, 10, 13, 10]
                }
                connection.respond("early \(connection.number)")
                journal.add("\(connection.bytes(10_000_000)?.count ?? 0)")
            }
        }
        let url = server.url
        try await Client.with { client async throws in
            for _ in 0..<2 {
                let result = try await client.get(url) {
                    $0.method = .post
                    $0.body = .bytes([UInt8](repeating: 1, count: 10_000_000))
                }
                #expect(result.text == "early 1")
                #expect(result.bytesSent > 10_000_000)
            }
            while journal.lines.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
        }
        #expect(journal.lines == ["10000000", "10000000"])
    }

    // MARK: Measures

    @Test func phasesFollowEachOtherAndBytesAreThoseOfTheWire() async throws {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        let server = ScriptedServer { connection in
            while connection.request() != nil {
                connection.send("HTTP/1.1 102 Processing\r\n\r\n")
                usleep(30_000)
                connection.send(answer)
            }
        }
        let url = server.url
        try await Client.with { client async throws in
            for isWarm in [false, true] {
                let start = Instant.now
                let result = try await client.get(url + "/x")
                let latency = Instant.now.nanoseconds(since: start)
                let phases = result.phases
                #expect((0..<7).map { phases[$0] }.reduce(0, +) <= latency)
                #expect((phases.connect == 0) == isWarm && phases.dns == 0 && phases.tls == 0)
                // The first byte is that of the final answer. When the request had left is noted after it has: a moment
                // later, which the server does not wait for.
                #expect(phases.send + phases.wait >= 30_000_000)
                #expect(result.bytesReceived == answer.utf8.count + "HTTP/1.1 102 Processing\r\n\r\n".utf8.count)
                #expect(result.bytesSent == "GET /x HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\r\n".utf8.count)
            }
        }
    }

    @Test func theTimeAnAnswerTakesToResolveIsCounted() async throws {
        let server = ScriptedServer { connection in while connection.request() != nil { connection.respond("") } }
        let url = "http://slow.test:\(server.port)/"
        let resolver = Resolver { _ in
            usleep(20_000)
            return .success(["127.0.0.1"])
        }
        try await Client.with(resolver: resolver) { client async throws in
            #expect(try await client.get(url).phases.dns >= 20_000_000)
            #expect(try await client.get(url).phases.dns == 0)
        }
    }
}

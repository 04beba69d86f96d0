import LoadsCore
import LoadsEventLoop
import TestSupport
import Testing

@testable import LoadsSession

@Suite(.eachEngine) struct FailureTests {
    struct Breakage: Sendable, CustomTestStringConvertible {
        var name: String
        var code: SessionError.Code
        var script: @Sendable (ServerConnection) -> Void
        var testDescription: String { name }
    }

    static let breakages = [
        Breakage(name: "closes without a response", code: .reset) { _ = $0.request() },
        Breakage(name: "resets", code: .reset) { connection in
            _ = connection.request()
            connection.reset()
        },
        Breakage(name: "closes in the head", code: .reset) { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n")
        },
        Breakage(name: "closes in the body", code: .reset) { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")
        },
        Breakage(name: "closes in a chunk", code: .reset) { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
        },
        Breakage(name: "answers with garbage", code: .protocol) { connection in
            _ = connection.request()
            connection.send("\u{1}\u{2}SSH-2.0-garbage\r\n\r\n")
        },
        Breakage(name: "breaks chunked coding", code: .protocol) { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nabc\r\n")
        },
        Breakage(name: "never answers", code: .timeout) { $0.awaitClose() },
        Breakage(name: "stalls in the body", code: .timeout) { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")
            connection.awaitClose()
        },
    ]

    @Test(arguments: breakages) func aBrokenExchangeIsAnErrorWithItsCode(breakage: Breakage) async throws {
        let server = ScriptedServer(breakage.script)
        let url = server.url
        try await Client.with { client async throws in
            func failure(within patience: Duration) async throws -> SessionError {
                try await client.failure(url + "/broken") { $0.deadline = .now.advanced(by: patience) }
            }
            var error = try await failure(within: breakage.code == .timeout ? .milliseconds(200) : .seconds(60))
            // A machine that is so busy that it does not even connect until then is given more time.
            if error.code == .connect { error = try await failure(within: .seconds(15)) }
            #expect(error.code == breakage.code, "\(error)")
            #expect(error.url == url + "/broken")
            #expect(error.message.contains(url))
        }
    }

    @Test func aClosedPortIsAConnectError() async throws {
        let port = try Ports.free()
        try await Client.with { client async throws in
            let error = try await client.failure("http://127.0.0.1:\(port)/")
            #expect(error.code == .connect, "\(error)")
        }
    }

    @Test func aHandshakeThatTakesTooLongIsAConnectError() async throws {
        let server = ScriptedServer { $0.awaitClose() }
        let port = server.port
        try await Client.with { client async throws in
            let error = try await client.failure("https://127.0.0.1:\(port)/") {
                $0.connection.connectTimeout = .milliseconds(150)
            }
            #expect(error.code == .connect, "\(error)")
        }
        // The server's thread may take it later than the client gives it up.
        for _ in 0..<6_000 where server.connections == 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(server.connections == 1)
    }

    @Test func plainHTTPOnATLSURLIsATLSError() async throws {
        let nginx = try await Nginx.shared
        try await Client.with { client async throws in
            #expect(try await client.failure("https://127.0.0.1:\(nginx.port)/").code == .tls)
        }
    }

    @Test(arguments: [
        "", "/", "ftp://127.0.0.1/", "http://", "http:///x", "https://:80/", "http://127.0.0.1:99999/", "http://a b/",
        "http://bücher.test/", "file:///etc/passwd", "http://[::1/",
    ]) func whatIsNoHTTPURLIsABadURL(url: String) async throws {
        try await Client.with { client async throws in
            let error = try await client.failure(url)
            #expect(error.code == .badURL, "\(error)")
        }
    }

    @Test func aNameWithoutAddressIsAResolveError() async throws {
        try await Client.with(resolver: fixedNames([:])) { client async throws in
            let error = try await client.failure("http://nowhere.test/")
            #expect(error.code == .resolve)
            #expect(error.message.contains("nowhere.test"))
        }
    }

    @Test func aCancelledTaskAbortsItsTransferAtOnce() async throws {
        let journal = Journal()
        let server = ScriptedServer { connection in
            guard connection.request()?.line.contains("/slow") == true else { return connection.respond("") }
            journal.add("asked")
            connection.awaitClose()
            journal.add("closed")
        }
        let url = server.url
        try await Client.with { client async throws in
            let task = Task(executorPreference: client.loop) { try await client.failure(url + "/slow") }
            while journal.lines.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            task.cancel()
            #expect(try await task.value.code == .cancelled)
            while journal.lines.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await client.get(url).status == 200)
        }
    }

    @Test func aTaskCancelledBeforehandSendsNothing() async throws {
        let server = ScriptedServer { connection in while connection.request() != nil { connection.respond("") } }
        let url = server.url
        try await Client.with { client async throws in
            let task = Task(executorPreference: client.loop) {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.failure(url)
            }
            #expect(try await task.value.code == .cancelled)
            #expect(server.connections == 0)
            for _ in 0..<3 { #expect(try await client.get(url).status == 200) }
        }
    }

    @Test func aLateCancelDoesNotHitTheNextExchange() async throws {
        let server = ScriptedServer { connection in while connection.request() != nil { connection.respond("") } }
        let url = server.url
        try await Client.with { client async throws in
            for _ in 0..<50 {
                let first = Task(executorPreference: client.loop) { _ = try? await client.get(url) }
                let canceller = Task.detached { first.cancel() }
                await first.value
                #expect(try await client.get(url).status == 200)
                await canceller.value
            }
        }
    }

    @Test func aUserWhoEndsAbortsItsExchanges() async throws {
        let server = ScriptedServer { $0.awaitClose() }
        let url = server.url
        try await Client.with { client async throws in
            let waiting = Task(executorPreference: client.loop) { try await client.failure(url) }
            while server.connections == 0 { try await Task.sleep(for: .milliseconds(5)) }
            client.engine.userEnded()
            #expect(try await waiting.value.code == .cancelled)
            #expect(try await client.failure(url).code == .cancelled)
        }
    }
}

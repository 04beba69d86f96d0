import LoadsCore
import LoadsEventLoop
import TestSupport
import Testing

@testable import LoadsSession

/// What is known of an exchange that failed: the phases up to its end, the bytes that went either way.
@Suite(.eachEngine) struct FailureCostTests {
    static let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

    struct Breakage: Sendable, CustomTestStringConvertible {
        var name: String
        var received: Int
        /// Where nearly all of the time went; nil where it may be anywhere.
        var phase: String?
        var script: @Sendable (ServerConnection) -> Void
        var testDescription: String { name }
    }

    static let breakages = [
        Breakage(name: "never answers", received: 0, phase: "wait") { connection in
            _ = connection.request()
            connection.awaitClose()
        },
        Breakage(name: "stalls in the head", received: 0, phase: nil) { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\nContent-")
            connection.awaitClose()
        },
        Breakage(name: "stalls in the body", received: head.utf8.count + 3, phase: "receive") { connection in
            _ = connection.request()
            connection.send(head + "abc")
            connection.awaitClose()
        },
        Breakage(name: "closes in the body", received: head.utf8.count + 3, phase: nil) { connection in
            _ = connection.request()
            connection.send(head + "abc")
        },
        Breakage(name: "closes without a response", received: 0, phase: nil) { _ = $0.request() },
    ]

    @Test(arguments: breakages) func aBrokenExchangeTellsWhatItCost(_ breakage: Breakage) async throws {
        let server = ScriptedServer(breakage.script)
        let url = server.url
        try await Client.with { client async throws in
            let start = Instant.now
            let error = try await client.failure(url) { $0.deadline = .now.advanced(by: .milliseconds(300)) }
            let latency = Instant.now.nanoseconds(since: start)
            let cost = try #require(error.cost)
            #expect(cost.bytesSent > 40 && cost.requests == 1)
            #expect(cost.bytesReceived >= breakage.received)
            if breakage.phase != nil { #expect(cost.bytesReceived == breakage.received) }
            let sum = (0..<Phases.names.count).reduce(0) { $0 + cost.phases[$1] }
            #expect(sum <= latency)
            if let phase = breakage.phase { #expect(longest(cost.phases) == phase, "\(cost.phases)") }
        }
    }

    @Test func aStreamedBodyThatBreaksOffTellsIt() async throws {
        let server = ScriptedServer { connection in
            _ = connection.request()
            connection.send(Self.head + "abc")
            connection.awaitClose()
        }
        let url = server.url
        try await Client.with { client async throws in
            let result = try await client.get(url) {
                $0.receive = .stream
                $0.deadline = .now.advanced(by: .milliseconds(300))
            }
            let stream = try #require(result.stream)
            await #expect(throws: SessionError.self) { _ = try await stream.rest() }
            let (phases, received) = await stream.progress
            #expect(received == Self.head.utf8.count + 3)
            #expect(longest(phases) == "receive", "\(phases)")
            #expect(stream.progressNow?.bytesReceived == received)
        }
    }

    @Test func aRefusedConnectionIsAllConnect() async throws {
        let port = try Ports.free()
        try await Client.with { client async throws in
            let cost = try #require(try await client.failure("http://127.0.0.1:\(port)/").cost)
            #expect(longest(cost.phases) == "connect" && cost.phases.connect > 0, "\(cost.phases)")
            #expect(cost.bytesSent == 0 && cost.bytesReceived == 0)
        }
    }

    @Test func aHandshakeThatNeverEndsIsAllTLS() async throws {
        let server = ScriptedServer { $0.awaitClose() }
        let port = server.port
        try await Client.with { client async throws in
            let error = try await client.failure("https://127.0.0.1:\(port)/") {
                $0.connection.connectTimeout = .milliseconds(300)
            }
            let cost = try #require(error.cost)
            #expect(longest(cost.phases) == "tls", "\(cost.phases)")
            #expect(cost.bytesSent == 0)
        }
    }

    @Test func aBodyThatNobodyTakesIsAllSend() async throws {
        // Nothing is read: the body fills the buffers of both ends, and waits.
        let server = ScriptedServer { $0.awaitHangUp() }
        let url = server.url
        try await Client.with { client async throws in
            let error = try await client.failure(url) {
                $0.method = .post
                $0.body = .bytes(Array(repeating: 65, count: 64 << 20))
                $0.deadline = .now.advanced(by: .milliseconds(500))
            }
            let cost = try #require(error.cost)
            #expect(error.code == .timeout)
            #expect(longest(cost.phases) == "send", "\(cost.phases)")
            #expect(cost.bytesSent > 10_000 && cost.bytesSent < 64 << 20)
        }
    }

    @Test func aNameThatIsNotAnsweredIsAllDNS() async throws {
        try await Client.with(resolver: fixedNames([:])) { client async throws in
            let cost = try #require(try await client.failure("http://nowhere.test/").cost)
            #expect(longest(cost.phases) == "dns" && cost.phases.dns > 0)
        }
    }

    @Test func aCancelledWaitIsWait() async throws {
        let journal = Journal()
        let server = ScriptedServer { connection in
            _ = connection.request()
            journal.add("asked")
            connection.awaitClose()
        }
        let url = server.url
        try await Client.with { client async throws in
            let task = Task(executorPreference: client.loop) { try await client.failure(url) }
            while journal.lines.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            try await Task.sleep(for: .milliseconds(100))
            task.cancel()
            let cost = try #require(try await task.value.cost)
            #expect(longest(cost.phases) == "wait" && cost.bytesSent > 40, "\(cost.phases)")
        }
    }

    private func longest(_ phases: Phases) -> String {
        Phases.names[Phases.names.indices.max { phases[$0] < phases[$1] }!]
    }
}

import LoadsCore
import LoadsEventLoop
import TestSupport
import Testing

@testable import LoadsSession

/// What is known of an exchange that failed: the phases up to its end, the bytes that went either way.
///
/// Where an exchange is cut off after some time, all of it is in one phase if the others take far less: where the machine
/// is so busy that they do not, more time is given.
@Suite(.eachEngine) struct FailureCostTests {
    /// How long exchanges are let wait.
    private static let patience: [Duration] = [.milliseconds(300), .seconds(3), .seconds(15)]

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
            var cost = ExchangeCost(phases: Phases(), bytesSent: 0, bytesReceived: 0)
            for patience in Self.patience {
                let start = Instant.now
                let error = try await client.failure(url) { $0.deadline = .now.advanced(by: patience) }
                let latency = Instant.now.nanoseconds(since: start)
                cost = try #require(error.cost)
                let sum = (0..<Phases.names.count).reduce(0) { $0 + cost.phases[$1] }
                #expect(sum <= latency)
                if cost.bytesSent > 40, cost.bytesReceived >= breakage.received,
                    breakage.phase == nil || breakage.phase == longest(cost.phases)
                {
                    break
                }
            }
            #expect(cost.bytesSent > 40 && cost.requests == 1)
            #expect(cost.bytesReceived >= breakage.received)
            if let phase = breakage.phase {
                #expect(cost.bytesReceived == breakage.received)
                #expect(longest(cost.phases) == phase, "\(cost.phases)")
            }
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
            var isShown = false
            for patience in Self.patience where !isShown {
                let result = try? await client.get(url) {
                    $0.receive = .stream
                    $0.deadline = .now.advanced(by: patience)
                }
                guard let stream = result?.stream else { continue }
                await #expect(throws: SessionError.self) { _ = try await stream.rest() }
                let (phases, received) = await stream.progress
                #expect(stream.progressNow?.bytesReceived == received)
                isShown = received == Self.head.utf8.count + 3 && longest(phases) == "receive"
            }
            #expect(isShown)
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
            var phases = Phases()
            for patience in Self.patience where longest(phases) != "tls" {
                let error = try await client.failure("https://127.0.0.1:\(port)/") {
                    $0.connection.connectTimeout = patience
                }
                let cost = try #require(error.cost)
                phases = cost.phases
                #expect(cost.bytesSent == 0)
            }
            #expect(longest(phases) == "tls", "\(phases)")
        }
    }

    @Test func aBodyThatNobodyTakesIsAllSend() async throws {
        // Nothing is read: the body fills the buffers of both ends, and waits.
        let server = ScriptedServer { $0.awaitHangUp() }
        let url = server.url
        try await Client.with { client async throws in
            var cost = ExchangeCost(phases: Phases(), bytesSent: 0, bytesReceived: 0)
            var code: SessionError.Code?
            for patience in Self.patience where cost.bytesSent <= 10_000 || longest(cost.phases) != "send" {
                let error = try await client.failure(url) {
                    $0.method = .post
                    $0.body = .bytes(Array(repeating: 65, count: 64 << 20))
                    $0.deadline = .now.advanced(by: patience)
                }
                cost = try #require(error.cost)
                code = error.code
            }
            #expect(code == .timeout)
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
            var phases = Phases()
            for patience in Self.patience where longest(phases) != "wait" {
                let before = journal.lines.count
                let task = Task(executorPreference: client.loop) { try await client.failure(url) }
                while journal.lines.count == before { try await Task.sleep(for: .milliseconds(5)) }
                try await Task.sleep(for: patience)
                task.cancel()
                let cost = try #require(try await task.value.cost)
                phases = cost.phases
                #expect(cost.bytesSent > 40)
            }
            #expect(longest(phases) == "wait", "\(phases)")
        }
    }

    private func longest(_ phases: Phases) -> String {
        Phases.names[Phases.names.indices.max { phases[$0] < phases[$1] }!]
    }
}

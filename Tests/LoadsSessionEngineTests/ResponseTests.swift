import HTTPTypes
import LoadsCore
import LoadsEventLoop
import TestSupport
import Testing

@testable import LoadsSession

@Suite(.eachEngine) struct ResponseTests {
    @Test func bodiesAreCollectedCountedOrStreamed() async throws {
        let nginx = try await Nginx.shared
        try await Client.with { client async throws in
            let whole = try await client.get(nginx.url + "/large")
            #expect(whole.body.count == 4 << 20)
            #expect(whole.body.suffix(16).elementsEqual("0123456789abcde\n".utf8))
            let counted = try await client.get(nginx.url + "/large") { $0.receive = .discard }
            #expect(counted.body.isEmpty)
            #expect(counted.bytesReceived == whole.bytesReceived)
            #expect(counted.bytesReceived == (4 << 20) + counted.head.count + "HTTP/1.1 200 OK\r\n\r\n".utf8.count)
            let streamed = try await client.get(nginx.url + "/large") { $0.receive = .stream }
            #expect(streamed.status == 200 && streamed.body.isEmpty)
            let stream = try #require(streamed.stream)
            #expect(try await stream.rest() == whole.body)
            #expect(try await stream.next() == nil)
            #expect(await stream.progress.bytesReceived == whole.bytesReceived)
        }
    }

    @Test func aBodyBeyondTheLimitIsAnError() async throws {
        let nginx = try await Nginx.shared
        try await Client.with { client async throws in
            let error = try await client.failure(nginx.url + "/large") { $0.receive = .whole(limit: 1 << 20) }
            #expect(error.code == .bodyTooLarge)
            #expect(try await client.get(nginx.url + "/") { $0.receive = .whole(limit: 1024) }.body.count == 1024)
        }
    }

    @Test func onlyTheFinalHeadIsGiven() async throws {
        let server = ScriptedServer { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.send("3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n")
        }
        let url = server.url
        try await Client.with { client async throws in
            let result = try await client.get(url)
            #expect(result.headText == "X-A: 1\r\nTransfer-Encoding: chunked\r\n")
            #expect(result.text == "abc")
        }
    }

    @Test func aStreamNobodyReadsHoldsTheServerBack() async throws {
        let journal = Journal()
        let server = ScriptedServer { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(64 << 20)\r\n\r\n")
            let block = [UInt8](repeating: 7, count: 1 << 20)
            for _ in 0..<64 where connection.send(block) { journal.add("sent") }
        }
        let url = server.url
        try await Client.with { client async throws in
            let stream = try #require(try await client.get(url) { $0.receive = .stream }.stream)
            // Whatever the kernel's buffers take, it is far from all of it.
            var before = -1
            while journal.lines.count != before {
                before = journal.lines.count
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(before < 32)
            #expect(try await stream.rest().count == 64 << 20)
            #expect(journal.lines.count == 64)
        }
    }

    @Test func droppingAStreamAbortsItsTransfer() async throws {
        let journal = Journal()
        let server = ScriptedServer { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            connection.awaitClose()
            journal.add("closed")
        }
        let url = server.url
        try await Client.with { client async throws in
            do {
                let stream = try #require(try await client.get(url) { $0.receive = .stream }.stream)
                #expect(try await stream.next() == Array("abc".utf8))
            }
            while journal.lines.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test func aStreamThatBreaksOffEndsWithAnError() async throws {
        let server = ScriptedServer { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        }
        let url = server.url
        try await Client.with { client async throws in
            let stream = try #require(try await client.get(url) { $0.receive = .stream }.stream)
            let error = await #expect(throws: SessionError.self) { _ = try await stream.rest() }
            #expect(error?.code == .reset)
        }
    }

    @Test func aStreamIsReadFromAnyTask() async throws {
        let nginx = try await Nginx.shared
        try await Client.with { client async throws in
            let stream = try #require(try await client.get(nginx.url + "/large") { $0.receive = .stream }.stream)
            let count = try await Task.detached { try await stream.rest().count }.value
            #expect(count == 4 << 20)
        }
    }

    @Test func cancellingAReaderEndsTheStream() async throws {
        let server = ScriptedServer { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            connection.awaitClose()
        }
        let url = server.url
        try await Client.with { client async throws in
            let stream = try #require(try await client.get(url) { $0.receive = .stream }.stream)
            let reader = Task { try await stream.next() }
            await Task.yield()
            reader.cancel()
            let error = await #expect(throws: SessionError.self) { _ = try await reader.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test func aWarmExchangeHasNoConnectPhasesAndThePhasesFitTheLatency() async throws {
        let nginx = try await Nginx.shared
        try await Client.with(resolver: fixedNames(["blog.loads.test": ["127.0.0.1"]])) { client async throws in
            for isWarm in [false, true] {
                let start = Instant.now
                let phases = try await client.get("https://blog.loads.test:\(nginx.tlsPort)/") {
                    $0.connection.caFile = nginx.authority.caFile
                }.phases
                let latency = Instant.now.nanoseconds(since: start)
                let sum = (0..<7).map { phases[$0] }.reduce(0, +)
                #expect(sum <= latency && sum > 0)
                #expect((phases.dns == 0) == isWarm)
                #expect((phases.connect == 0) == isWarm)
                #expect((phases.tls == 0) == isWarm)
                #expect(phases.wait > 0 && phases.receive > 0)
            }
        }
    }
}

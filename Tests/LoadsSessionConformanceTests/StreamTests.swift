import HTTPTypes
import LoadsSession
import LoadsTestServer
import Synchronization
import TestSupport
import Testing

@Suite struct StreamConformanceTests {
    @Test(arguments: EngineKind.allCases, ["/bytes/5000000", "/chunked/1000", "/drip/50/1", "/bytes/0"])
    func aStreamHasTheWholeBody(engine: EngineKind, path: String) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        let whole = try await session.get(path).body
        let response = try await session.stream(path)
        #expect(response.status == 200)
        var streamed: [UInt8] = []
        for try await chunk in response.body { streamed += chunk }
        #expect(streamed == whole)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aSlowReaderSlowsTheServer(engine: EngineKind) async throws {
        let server = try TestServer()
        let response = try await engine.session(server.url).stream("/endless")
        let chunks = response.body.makeAsyncIterator()
        _ = try await chunks.next()
        // The kernel's buffers fill; then the server must stand still.
        let before = try #require(await standstill { server.counts.bytesSent })
        #expect(before < 64 << 20)
        var received = 0
        while received < before + (8 << 20) { received += try await chunks.next()?.count ?? 0 }
        #expect(server.counts.bytesSent > before)
        await response.stop()
        #expect(await eventually { server.counts.open == 0 })
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aDroppedStreamClosesItsConnection(engine: EngineKind) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        do {
            let response = try await session.stream("/endless")
            #expect(response.status == 200)
        }
        #expect(await eventually { server.counts.abandoned == 1 })
        #expect(try await session.get("/").status == 200)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases, [nil, 300_000] as [Int?])
    func aStreamedRequestArrivesWhole(engine: EngineKind, length: Int?) async throws {
        let server = try TestServer()
        let chunks = AsyncStream { continuation in
            for number in 0..<300 { continuation.yield([UInt8](repeating: UInt8(97 + number % 26), count: 1000)) }
            continuation.finish()
        }
        let response = try await engine.session(server.url).put("/echo", stream: BodyStream(chunks, length: length))
        #expect(response.text.contains(#""bytes":300000"#))
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aSlowServerSlowsTheSource(engine: EngineKind) async throws {
        let server = try TestServer()
        let produced = Counter()
        // The server takes a piece, and then nothing more for as long as this takes.
        let task = Task {
            await code {
                try await engine.session(server.url).put(
                    "/upload/16384/600000", stream: BodyStream(Endless(produced: produced)))
            }
        }
        let before = try #require(await standstill { produced.value })
        #expect(before < 64 << 20)
        task.cancel()
        #expect(await task.value == .cancelled)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aSourceThatFailsFailsTheCall(engine: EngineKind) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        let failing = AsyncThrowingStream<[UInt8], any Error> { continuation in
            continuation.yield([1, 2, 3])
            continuation.finish(throwing: SupportError("the source broke"))
        }
        #expect(await code { try await session.put("/upload", stream: BodyStream(failing)) } == .body)
        #expect(try await session.get("/").status == 200)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aDiscardedBodyIsNotKept(engine: EngineKind) async throws {
        let server = try TestServer()
        let response = try await engine.session(server.url).get("/bytes/1000000", discardBody: true)
        #expect(response.status == 200 && response.body.isEmpty)
        #expect(server.counts.bytesSent > 1_000_000)
        await server.stop()
    }
}

/// A number above zero once it has stayed the same for a while; nil if it never does.
private func standstill(_ number: () -> Int) async -> Int? {
    var (last, times) = (0, 0)
    let stood = await eventually {
        let now = number()
        times = now == last && now > 0 ? times + 1 : 0
        last = now
        return times == 20
    }
    return stood ? last : nil
}

private final class Counter: Sendable {
    private let number = Atomic(0)
    var value: Int { number.load(ordering: .relaxed) }
    func add(_ count: Int) { number.add(count, ordering: .relaxed) }
}

/// 64 KiB chunks without end, counted as they are asked for.
private struct Endless: AsyncSequence, AsyncIteratorProtocol, Sendable {
    let produced: Counter
    func makeAsyncIterator() -> Endless { self }
    mutating func next() async throws -> [UInt8]? {
        produced.add(65536)
        return [UInt8](repeating: 1, count: 65536)
    }
}

import Foundation
import Glibc
import HTTPTypes
import LoadsSession
import LoadsTestServer
import TestSupport
import Testing

@Suite struct FaultConformanceTests {
    @Test(
        arguments: EngineKind.allCases,
        [
            ("/close", .reset), ("/reset", .reset), ("/close-mid-body", .reset), ("/close-mid-chunk", .reset),
            ("/garbage", .protocol), ("/bad-length", .protocol), ("/bad-chunk", .protocol), ("/bad-gzip", .body),
        ] as [(String, SessionError.Code)])
    func aBrokenAnswerIsAnErrorAndTheNextCallIsNot(engine: EngineKind, fault: (path: String, code: SessionError.Code))
        async throws
    {
        let server = try TestServer()
        let session = engine.session(server.url)
        for _ in 0..<2 {
            #expect(await code { try await session.get(fault.path, timeout: .seconds(60)) } == fault.code)
            #expect(try await session.get("/").status == 200)
        }
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aBodyThatIsTooLargeIsRefused(engine: EngineKind) async throws {
        let server = try TestServer()
        let session = engine.session(server.url) { $0.maxBodySize = 1 << 20 }
        #expect(await code { try await session.get("/endless") } == .bodyTooLarge)
        #expect(await code { try await session.get("/bytes/1048577") } == .bodyTooLarge)
        #expect(try await session.get("/bytes/1048576").body.count == 1 << 20)
        let stream = try await session.stream("/endless")
        #expect(await code { _ = try await stream.collect() } == .bodyTooLarge)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases, ["/never", "/delay/600000", "/drip/1000/600000", "/slow-headers/600000"])
    func whatTakesTooLongIsATimeout(engine: EngineKind, path: String) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        var found = await code { try await session.get(path, timeout: .milliseconds(200)) }
        // A machine that is so busy that it does not even connect until then is given more time.
        if found == .connect { found = await code { try await session.get(path, timeout: .seconds(15)) } }
        #expect(found == .timeout)
        #expect(await eventually { server.counts.open == 0 })
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases, ["/never", "/delay/600000", "/drip/1000/600000"])
    func cancellingTheTaskClosesTheConnection(engine: EngineKind, path: String) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        let task = Task { await code { try await session.get(path) } }
        #expect(await eventually { server.requests == 1 })
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(await eventually { server.counts.open == 0 })
        #expect(try await session.get("/").status == 200)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aCancelledTaskSendsNothing(engine: EngineKind) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await code { try await session.get("/") }
        }
        #expect(await task.value == .cancelled)
        #expect(server.requests == 0)
        await server.stop()
    }

    /// Somebody's child process, started while the connection is open, must not keep it open.
    @Test(arguments: EngineKind.allCases)
    func noConnectionIsInherited(engine: EngineKind) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        #expect(try await session.get("/").status == 200)
        for descriptor in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap(Int32.init) {
            var address = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isPeer = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &size) == 0 }
            }
            if isPeer, Int32(address.sin_family) == AF_INET, Int(UInt16(bigEndian: address.sin_port)) == server.port {
                #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
            }
        }
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aStaleConnectionIsReplaced(engine: EngineKind) async throws {
        let port = try Ports.free()
        let session = engine.session("http://127.0.0.1:\(port)")
        for _ in 0..<3 {
            let server = try TestServer(port: port)
            #expect(try await session.get("/").status == 200)
            #expect(try await session.get("/").status == 200)
            await server.stop()
        }
        #expect(await code { try await session.get("/") } == .connect)
    }

    @Test(arguments: EngineKind.allCases)
    func anEarlyAnswerIsSeenThoughTheBodyIsNotTaken(engine: EngineKind) async throws {
        let server = try TestServer()
        let response = try await engine.session(server.url).put(
            "/early/413", body: [UInt8](repeating: 1, count: 50_000_000))
        #expect(response.status == 413)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases, ["ftp://127.0.0.1/", "http://", "http://a b/", "http://127.0.0.1:99999/"])
    func aBadURLIsSaidSo(engine: EngineKind, url: String) async throws {
        #expect(await code { try await engine.session().get(url) } == .badURL)
    }

    @Test(arguments: EngineKind.allCases)
    func manyCallsAtOnceAreAllAnswered(engine: EngineKind) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<200 { group.addTask { try await session.get("/bytes/\(number)").body.count } }
            var sum = 0
            for try await count in group { sum += count }
            #expect(sum == 199 * 200 / 2)
        }
        await server.stop()
    }
}

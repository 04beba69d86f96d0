import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsSession

@Suite struct SessionRecordingTests {
    private static func broken(_ code: SessionError.Code) -> SessionError {
        SessionError(code: code, message: "broken", url: "http://a.test/")
    }

    @Test func recordsOneHitACall() async throws {
        let user = TestUser()
        let script = Script(.redirect(to: "/y"), .answer(404, "", body: [1, 2]))
        try await user.iterate(7) {
            let response = try await script.session().get("/users/1?x=2", query: ["y": "3"])
            #expect(response.timings.wait == .nanoseconds(2000) && response.elapsed > .zero)
        }
        let hits = await user.hits()
        #expect(hits.count == 1)
        let hit = try #require(hits.first)
        #expect(hit.user == 3 && hit.iteration == 7 && hit.name == "GET /users/1" && hit.method == "GET")
        #expect(hit.url == "http://a.test/users/1?x=2&y=3" && hit.status == 404 && hit.requests == 2)
        #expect(hit.bytes == 102 && hit.latency > 0 && hit.error == nil)
    }

    @Test(
        arguments: [
            (399, StatusSet.none, false), (400, .none, true), (404, .none, true), (404, 404, false),
            (404, [403, 404], false),
            (500, .clientErrors, true), (418, .clientErrors, false), (503, .all, false),
            (503, [.range(500...510)], false),
        ] as [(Int, StatusSet, Bool)])
    func failsByStatus(_ status: Int, _ accepting: StatusSet, _ fails: Bool) async throws {
        let user = TestUser()
        let script = Script(.answer(status))
        try await user.iterate { _ = try await script.session().get("/", name: "n", accepting: accepting) }
        let name = try #require(await user.statistics().names["n"])
        #expect(name.failed == (fails ? 1 : 0))
    }

    @Test(arguments: [SessionError.Code.connect, .timeout, .reset, .cancelled, .tls]) func recordsErrors(
        _ code: SessionError.Code
    ) async throws {
        let user = TestUser()
        let script = Script { _, _ throws(SessionError) in throw Self.broken(code) }
        try await user.iterate {
            _ = try? await script.session().post("/x", name: "n")
        }
        let hit = try #require(await user.hits().first)
        #expect(
            hit.status == nil && hit.error == code.name && hit.name == "n" && hit.requests == 1 && hit.method == "POST")
    }

    @Test func recordsCallsThatNeverLeft() async throws {
        let user = TestUser()
        let script = Script(.text(""))
        try await user.iterate {
            let session = script.session(nil)
            _ = try? await session.get("/relative")
            _ = try? await session.get("http://")
            _ = try? await session.post("http://a.test/", body: [], text: "")
        }
        let hits = await user.hits()
        #expect(hits.map(\.error) == ["badURL", "badURL", "body"])
        #expect(hits.map(\.name) == ["GET /relative", "GET http://", "POST /"])
        #expect(hits.map(\.requests) == [0, 0, 0])
    }

    @Test func recordsRedirectLoops() async throws {
        let user = TestUser()
        let script = Script(.redirect(to: "/x"))
        try await user.iterate { _ = try? await script.session { $0.maxRedirects = 2 }.get("/") }
        let hit = try #require(await user.hits().first)
        #expect(hit.error == "tooManyRedirects" && hit.requests == 3 && hit.status == nil)
    }

    @Test func sharesTheUsersConnections() async throws {
        let user = TestUser()
        let script = Script(.answer(200, "Set-Cookie: a=1\r\n"))
        for number in 0..<3 { try await user.iterate(number) { _ = try await script.session().get("/") } }
        #expect(script.engines.count == 1)
        #expect(script.exchanges.allSatisfy { $0.header("cookie") == nil })
        #expect(await user.hits().map(\.iteration) == [0, 1, 2])
    }

    @Test func recordsRightlyOffTheLoop() async throws {
        let user = TestUser()
        let script = Script(.text(""))
        try await user.iterate(5) {
            let session = script.session()
            await Task { _ = try? await session.get("/task") }.value
            await Task.detached { _ = try? await session.get("/detached") }.value
            await Task { @MainActor in _ = try? await session.get("/main") }.value
            await withTaskExecutorPreference(globalConcurrentExecutor) { _ = try? await session.get("/pool") }
            let stream = try await Task.detached { try await session.stream("/stream") }.value
            _ = try await stream.collect()
        }
        let hits = await user.hits()
        #expect(hits.map(\.name) == ["GET /task", "GET /detached", "GET /main", "GET /pool", "GET /stream"])
        #expect(hits.allSatisfy { $0.iteration == 5 && $0.user == 3 })
        #expect(script.engines.count == 1 && script.engines[0].strayCalls == 0)
    }

    /// A session made in one iteration and used in another counts where it is used.
    @Test func countsUnderTheCurrentIteration() async throws {
        let (first, second) = (TestUser(), TestUser())
        let script = Script(.text(""))
        let session = try await first.iterate(1) { script.session() }
        try await second.iterate(2) { _ = try await session.get("/") }
        #expect(await first.hits().isEmpty)
        #expect(await second.hits().map(\.iteration) == [2])
    }

    @Test func honoursThePlansTimeout() async throws {
        let user = TestUser { $0.timeout = .seconds(1000) }
        let script = Script(.text(""))
        let before = Instant.now
        try await user.iterate {
            _ = try await script.session().get("/")
            _ = try await script.session().get("/", timeout: .seconds(2))
        }
        #expect(script.exchanges[0].deadline >= before.advanced(by: .seconds(1000)))
        #expect(script.exchanges[1].deadline < before.advanced(by: .seconds(900)))
    }

    @Test func hasConnectionsOfItsOwnOutsideARun() async throws {
        let script = Script(.text(""))
        var session: Session? = script.session()
        _ = try await session?.get("/")
        _ = try await session?.get("/")
        _ = try await script.session().get("/")
        #expect(script.engines.count == 2 && script.exchanges.count == 3)
        session = nil
        while !script.engines[0].hasEnded { await Task.yield() }
        #expect(script.engines.allSatisfy { $0.strayCalls == 0 })
    }

    @Test func recordsAStreamAtItsEnd() async throws {
        let user = TestUser()
        let script = Script { _, _ throws(SessionError) in .answer(200, "", stream: ScriptedStream([[1], [2, 3]])) }
        try await user.iterate {
            let response = try await script.session().stream("/s")
            #expect(await user.hits().isEmpty)
            var bytes: [UInt8] = []
            for try await chunk in response.body { bytes += chunk }
            #expect(bytes == [1, 2, 3] && response.status == 200)
        }
        let hits = await user.hits()
        #expect(hits.count == 1 && hits.first?.error == nil && hits.first?.status == 200)
        #expect(hits.first?.bytes == 53)
    }

    @Test func recordsADroppedStream() async throws {
        let user = TestUser()
        let dropped = Log()
        let script = Script { _, _ throws(SessionError) in
            .answer(200, "", stream: ScriptedStream([[1], [2]]) { dropped.add("dropped") })
        }
        try await user.iterate {
            let response = try await script.session().stream("/s")
            for try await _ in response.body { break }
        }
        let hit = try #require(await user.hits().first)
        #expect(hit.error == "cancelled" && hit.status == nil && hit.bytes == 51)
        #expect(dropped.lines == ["dropped"])
    }

    @Test func recordsAStoppedStreamAsComplete() async throws {
        let user = TestUser()
        let script = Script { _, _ throws(SessionError) in .answer(200, "", stream: ScriptedStream([[1], [2]])) }
        try await user.iterate {
            let response = try await script.session().stream("/s")
            await response.stop()
            #expect(try await response.collect().isEmpty)
        }
        let hits = await user.hits()
        #expect(hits.count == 1 && hits.first?.error == nil && hits.first?.status == 200)
    }

    @Test func recordsABrokenStream() async throws {
        let user = TestUser()
        let script = Script { _, _ throws(SessionError) in
            .answer(200, "", stream: ScriptedStream([[1]], failure: Self.broken(.reset)))
        }
        try await user.iterate {
            let response = try await script.session().stream("/s")
            _ = await #expect(throws: SessionError.self) { try await response.collect() }
        }
        let hits = await user.hits()
        #expect(hits.map(\.error) == ["reset"])
        #expect(hits.map(\.bytes) == [51])
    }

    @Test func recordsAStreamCollectedBeyondTheLimitUnderThatError() async throws {
        let user = TestUser()
        let script = Script { _, _ throws(SessionError) in .answer(200, "", stream: ScriptedStream([[1, 2], [3, 4]])) }
        try await user.iterate {
            let response = try await script.session { $0.maxBodySize = 3 }.stream("/s")
            let error = await #expect(throws: SessionError.self) { try await response.collect() }
            #expect(error?.code == .bodyTooLarge)
        }
        let hits = await user.hits()
        #expect(hits.map(\.error) == ["bodyTooLarge"])
    }

    @Test func aFailedHitCarriesWhatIsKnownOfIt() async throws {
        let user = TestUser()
        let script = Script { _, number throws(SessionError) in
            if number == 1 { return .redirect(to: "/y") }
            var error = Self.broken(.timeout)
            var phases = Phases()
            phases.connect = 30
            phases.wait = 5000
            error.cost = ExchangeCost(phases: phases, bytesSent: 70, bytesReceived: 8, requests: 2)
            throw error
        }
        try await user.iterate { _ = try? await script.session().get("/x", name: "n") }
        let name = try #require(await user.statistics().names["n"])
        #expect(name.failed == 1 && name.requests == 3 && name.status.isEmpty)
        // Of the redirect and of what came after it.
        #expect(name.bytesSent == 170 && name.bytesReceived == 58)
        #expect(name.phases[2].max == 30 && name.phases[5].max == 6000)
    }

    @Test func decompressesStreams() async throws {
        let data: [UInt8] = [
            0x1B, 0x28, 0x00, 0x00, 0x04, 0x36, 0xE0, 0x48, 0x53, 0x08, 0x64, 0x98, 0xB6, 0xA3, 0x9E, 0x38, 0xD4, 0xBC,
            3,
        ]
        let script = Script { _, number throws(SessionError) in
            let part = number == 1 ? data : data.dropLast(4)
            return .answer(200, "Content-Encoding: br\r\n", stream: ScriptedStream(part.map { [$0] }))
        }
        let session = script.session()
        #expect(try await session.stream("/").collect() == Array("Tarek Tarek Tarek Tarek Tarek Tarek Tarek".utf8))
        let cut = try await session.stream("/")
        let error = await #expect(throws: SessionError.self) { try await cut.collect() }
        #expect(error?.code == .body)
    }

    @Test func discardsBodiesIfWanted() async throws {
        let script = Script(.answer(200, "Content-Encoding: br\r\n"))
        let response = try await script.session().get("/", discardBody: true)
        #expect(response.body.isEmpty)
        guard case .discard? = script.exchanges.first?.receive else { return #expect(Bool(false)) }
    }
}

import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import Testing

/// Thresholds on merged data of agents that are played.
@Suite struct ThresholdTests {
    private func submission(_ run: String, _ expressions: String..., users: Int = 2) throws -> RunSubmission {
        var submission = LoadsMasterTests.submission(run, users: users)
        submission.thresholds = try expressions.map { try Threshold($0) }
        return submission
    }

    /// A batch of a whole second.
    private func second(_ second: Int, _ count: Int, milliseconds: Int64 = 1, failed: Int = 0) -> Batch {
        var batch = Batch(from: Double(second), to: Double(second + 1))
        batch.statistics.iterations.started = count
        batch.statistics.iterations.ok = count
        batch.statistics.users = 1
        var group = NameStatistics()
        group.count = count
        group.failed = failed
        for _ in 0..<count { group.latency.record(milliseconds * 1_000_000) }
        batch.statistics.names["GET /"] = group
        return batch
    }

    private func isStopped(_ agent: PlayedAgent, _ run: String) -> Bool {
        agent.heard.contains { if case .stop(run, true, _) = $0 { true } else { false } }
    }

    @Test func theSummaryHasThemJudgedOnWhatAllAgentsMeasured() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b")
        try await scene.master.submit(
            submission("r", "errors <= 5%", "p100 < 50ms", "hits == 20", "p95(GET /x) < 1s"))
        for agent in agents { #expect(await eventually { agent.started("r") }) }
        agents[0].report("r", .batch(second(0, 10)))
        agents[1].report("r", .batch(second(0, 10, milliseconds: 80, failed: 1)))
        for agent in agents { agent.end("r", .finished(interrupted: false, seconds: 1)) }
        let results = try summary(await scene.master.outcome(of: "r")).thresholds
        #expect(results.map(\.passed) == [true, false, true, nil])
        #expect(results[0].actual == 0.05)
        #expect(results[3].doubt == .unknownName)
        await scene.end()
    }

    @Test func aWindowThatEveryAgentHasDeliveredStopsTheRunAtOnce() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b")
        let client = scene.client()
        client.subscribe("")
        try await scene.master.submit(submission("r", "p95 < 50ms over 1s abort"))
        for agent in agents { #expect(await eventually { agent.started("r") }) }
        // One agent's word is not enough while the other may still say something.
        agents[0].report("r", .batch(second(0, 10, milliseconds: 80)))
        try await Task.sleep(for: .milliseconds(1500))
        #expect(!isStopped(agents[0], "r"))
        agents[1].report("r", .batch(second(0, 10, milliseconds: 80)))
        for agent in agents { #expect(await eventually { isStopped(agent, "r") }) }
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.thresholds[0].aborted && summary.thresholds[0].passed == false)
        #expect(summary.interrupted)
        #expect(ExitStatus(summary) == .breached)
        func stated() -> [[ThresholdResult]] {
            client.stream.compactMap { message -> [ThresholdResult]? in
                guard case .thresholds(let results) = message.message.content else { return nil }
                #expect(message.topic == StreamTopic.stats.frame(run: "r"))
                return results
            }
        }
        // The last of them may still be on their way.
        #expect(await eventually { stated().last?.map(\.state) == [.breached] })
        func told() -> [RunEvent] {
            client.stream.compactMap { if case .event(let event) = $0.message.content { event } else { nil } }
        }
        #expect(await eventually { told().contains { $0.kind == "ended" } })
        let events = told()
        #expect(
            events.contains { $0.kind == "threshold" && $0.text.hasPrefix("p95 < 50ms over 1s abort is breached: 80") })
        #expect(events.contains { $0.kind == "stopping" && $0.text.contains("the threshold p95 < 50ms over 1s abort") })
        await scene.end()
    }

    @Test func anAgentThatIsSilentLetsNothingStopTheRun() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b")
        try await scene.master.submit(submission("r", "errors == 0 abort"))
        for agent in agents { #expect(await eventually { agent.started("r") }) }
        agents[0].report("r", .batch(second(0, 10, failed: 10)))
        func snapshot() async -> RunSnapshot? {
            guard case .snapshot(let snapshot)? = await scene.client().ask(.snapshot(run: "r")) else { return nil }
            return snapshot
        }
        #expect(await eventually { await snapshot()?.thresholds.first?.state == .breached })
        let seen = try #require(await snapshot())
        #expect(seen.thresholds[0].provisional)
        #expect(seen.elapsed >= 6, "five seconds after the end of the second")
        #expect(seen.state == .running && !isStopped(agents[0], "r"))
        for agent in agents { agent.end("r", .finished(interrupted: false, seconds: 7)) }
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.thresholds[0].passed == false && !summary.thresholds[0].aborted)
        await scene.end()
    }

    @Test func aMasterThatGoesOnJudgesWhatWasBefore() async throws {
        let storage = MemoryStorage(keepsSeconds: true)
        let scene = try await Scene(storage: storage)
        let agent = scene.agent("a")
        try await scene.master.submit(submission("r", "p100 < 50ms over 1s", "hits == 30", "p95 < 1s for 2s"))
        #expect(await eventually { agent.started("r") })
        agent.report("r", .batch(second(0, 10)))
        agent.report("r", .batch(second(1, 10, milliseconds: 80)))
        #expect(await eventually { agent.acknowledged("r") == 3 })
        await scene.master.close()
        let next = MasterServer(transport: scene.hub.makeMaster(on: scene.loop), storage: storage, settings: .local)
        try await next.open()
        agent.report("r", .batch(second(2, 10)))
        agent.end("r", .finished(interrupted: false, seconds: 3))
        let results = try summary(await next.outcome(of: "r")).thresholds
        #expect(results.map(\.passed) == [false, true, true])
        #expect(results[0].breachedAt == 2)
        #expect(results[0].windows == 3)
        #expect(results[1].actual == 30)
        await next.close()
        // And what is over is told as it came out.
        let last = MasterServer(transport: scene.hub.makeMaster(on: scene.loop), storage: storage, settings: .local)
        try await last.open()
        #expect(try summary(await last.outcome(of: "r")).thresholds == results)
        await last.close()
        await scene.loop.shutdown()
    }

    @Test func moreThanTheLimitAreRefused() async throws {
        let scene = try await Scene()
        var submission = LoadsMasterTests.submission("r")
        submission.thresholds = [Threshold](repeating: try Threshold("p95 < 1s"), count: 101)
        await #expect(throws: WireFault.self) { try await scene.master.submit(submission) }
        await scene.end()
    }

    @Test func theSummaryKnowsWhatTheRunnersUsed() async throws {
        let scene = try await Scene()
        let agent = scene.agent("a", cores: 4)
        try await scene.master.submit(LoadsMasterTests.submission("r"))
        #expect(await eventually { agent.started("r") })
        var batch = second(0, 10)
        batch.statistics.health.cpuSeconds = 0.5
        batch.statistics.health.lag.waited = 250_000_000
        agent.report("r", .batch(batch))
        agent.end("r", .finished(interrupted: false, seconds: 1))
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(
            summary.agents.first?.usage
                == AgentShare.Usage(cores: 4, seconds: 1, cpuSeconds: 0.5, waitedSeconds: 0.25))
        await scene.end()
    }
}

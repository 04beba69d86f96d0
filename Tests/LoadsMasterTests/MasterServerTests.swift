import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import Synchronization
import Testing

@Suite struct MasterServerTests {
    @Test func aRunIsSharedAndItsTotalsAreExact() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b", "c")
        try await scene.master.submit(submission("r", users: 100))
        for agent in agents { #expect(await eventually { agent.started("r") }) }
        #expect(agents.map { $0.order("r")?.order.plan.peakUsers } == [34, 33, 33])
        #expect(agents.map { $0.order("r")?.order.plan.firstUser } == [0, 34, 67])
        #expect(agents.allSatisfy { $0.order("r")?.order.waits == true })
        for (agent, users) in zip(agents, [34, 33, 33]) {
            for _ in 0..<10 { agent.report("r", .batch(batch(users))) }
            agent.end("r", .finished(interrupted: false, seconds: 2.5))
        }
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.statistics.iterations.ok == 1000)
        #expect(summary.statistics.hitCount == 1000)
        #expect(summary.duration == 2.5)
        #expect(summary.agents.map(\.users) == [34, 33, 33])
        #expect(summary.agents.map(\.hits) == [340, 330, 330])
        #expect(summary.agents.allSatisfy { $0.state == .finished && $0.missing == nil })
        // started, ten batches, the end
        for agent in agents { #expect(await eventually { agent.acknowledged("r") == 12 }) }
        await scene.end()
    }

    @Test func duplicatesAndGapsChangeNothing() async throws {
        let scene = try await Scene()
        let agent = await scene.agents("a")[0]
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        let bytes = RunnerReport.batch(batch(4)).encoded()[0]
        let number = agent.push("r", .report(bytes))
        for _ in 0..<3 { agent.push("r", .report(bytes), sequence: number) }
        agent.push("r", .report(bytes), sequence: number + 5)
        agent.push("r", .report(bytes), sequence: 0)
        agent.push("r", .report(bytes), sequence: .max)
        agent.push("other", .report(bytes), sequence: 1)
        agent.push("r", .report(bytes), sequence: number + 1, agent: "nobody")
        agent.end("r", .finished(interrupted: false, seconds: 1))
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.statistics.iterations.ok == 4)
        #expect(await eventually { agent.acknowledged("r") == 3 })
        // Sent again, it is acknowledged again.
        agent.state.withLock { $0.acknowledged = [:] }
        agent.push("r", .report(bytes), sequence: number)
        #expect(await eventually { agent.acknowledged("r") == 3 })
        await scene.end()
    }

    @Test func aMessageThatCannotBeReadIsNamedAndHoldsUpNothing() async throws {
        let scene = try await Scene()
        let agent = await scene.agents("a")[0]
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        agent.push("r", .report([0xc1, 0xff, 1, 2, 3]))
        agent.report("r", .batch(batch(4)))
        agent.end("r", .finished(interrupted: false, seconds: 1))
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.statistics.iterations.ok == 4)
        #expect(summary.agents[0].missing != nil)
        #expect(
            await eventually {
                agent.heard.contains { if case .error(let fault) = $0 { fault.code == "malformed" } else { false } }
            })
        await scene.end()
    }

    @Test func twoRunsGoOnAtOnceOnDisjointAgentsAndAThirdWaits() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b", "c")
        try await scene.master.submit(submission("r1", placement: Placement(agents: 1)))
        try await scene.master.submit(submission("r2", placement: Placement(agents: 2)))
        try await scene.master.submit(submission("r3", placement: Placement(agents: 3)))
        #expect(await eventually { agents[0].started("r1") && agents[1].started("r2") && agents[2].started("r2") })
        #expect(agents.allSatisfy { $0.order("r3") == nil })
        agents[0].end("r1", .finished(interrupted: false, seconds: 1))
        for agent in agents[1...] { agent.end("r2", .finished(interrupted: false, seconds: 1)) }
        for agent in agents { #expect(await eventually { agent.started("r3") }) }
        for agent in agents { agent.end("r3", .finished(interrupted: false, seconds: 1)) }
        #expect(try summary(await scene.master.outcome(of: "r3")).agents.count == 3)
        await scene.end()
    }

    @Test func aRunWaitsForItsAgents() async throws {
        let scene = try await Scene()
        try await scene.master.submit(submission("r", placement: Placement(labels: ["zone": "x"])))
        let plain = await scene.agents("a")[0]
        let labelled = scene.agent("b", labels: ["zone": "x", "other": "y"])
        #expect(await eventually { labelled.started("r") })
        #expect(plain.order("r") == nil)
        labelled.end("r", .finished(interrupted: false, seconds: 1))
        _ = await scene.master.outcome(of: "r")
        await scene.end()
    }

    @Test func anAgentThatCannotRunTheTestIsNamedBeforeTheRun() async throws {
        let scene = try await Scene()
        _ = scene.agent("arm", architecture: "aarch64")
        _ = scene.agent("old", library: "glibc 2.31")
        let client = scene.client()
        await eventually {
            if case .status(let status) = await client.ask(.status) { status.agents.count == 2 } else { false }
        }
        var launch = RunnerLaunch(executable: "/x")
        launch.platform = Platform(system: "linux", architecture: "x86_64", library: "glibc 2.36")
        try await scene.master.submit(submission("r", launch: launch))
        guard case .refused(69, let message) = await scene.master.outcome(of: "r") else { throw Unexpected() }
        #expect(message.contains("arm is aarch64") && message.contains("old has glibc 2.31"))
        await scene.end()
    }

    @Test func aRefusalOfOneAgentRefusesTheRun() async throws {
        let scene = try await Scene()
        let a = await scene.agents("a")[0]
        let b = scene.agent("b", polite: false)
        #expect(await eventually { b.isTakenIn })
        try await scene.master.submit(submission("r"))
        #expect(await eventually { b.order("r") != nil })
        b.say(.status(run: "r", .refused(code: 69, message: "no such test")))
        guard case .refused(69, "b: no such test") = await scene.master.outcome(of: "r") else { throw Unexpected() }
        #expect(await eventually { a.heard.contains { if case .stop("r", true, _) = $0 { true } else { false } } })
        await scene.end()
    }

    @Test func stopReachesEveryAgentAndMarksTheSummary() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b")
        try await scene.master.submit(submission("r"))
        for agent in agents { #expect(await eventually { agent.started("r") }) }
        scene.master.stop("r")
        let ending = try summary(await scene.master.outcome(of: "r"))
        #expect(ending.interrupted && ending.stopped == "interrupted")
        guard case .error(let fault) = await scene.client().ask(.stop(run: "r", abort: false)) else {
            throw Unexpected()
        }
        #expect(fault.message.contains("has ended already"))
        await scene.end()
    }

    @Test func anAdjustmentIsSharedAndTakesEffectAtOneInstant() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b")
        let client = scene.client()
        try await scene.master.submit(submission("r", users: 4))
        for agent in agents { #expect(await eventually { agent.started("r") }) }
        #expect(await client.ask(.adjust(run: "r", users: 9)) == .done)
        func adjustment(_ agent: PlayedAgent) -> Adjustment? {
            agent.heard.compactMap { if case .adjust("r", let adjustment) = $0 { adjustment } else { nil } }.last
        }
        for agent in agents { #expect(await eventually { adjustment(agent) != nil }) }
        #expect(agents.map { adjustment($0)?.users } == [5, 4])
        #expect(agents.map { adjustment($0)?.firstNewUser } == [4, 9])
        guard case .error = await client.ask(.adjust(run: "r", users: 0)) else { throw Unexpected() }
        guard case .error = await client.ask(.adjust(run: "x", users: 3)) else { throw Unexpected() }
        for agent in agents { agent.end("r", .finished(interrupted: false, seconds: 1)) }
        #expect(try summary(await scene.master.outcome(of: "r")).agents.map(\.users) == [5, 4])
        await scene.end()
    }
}

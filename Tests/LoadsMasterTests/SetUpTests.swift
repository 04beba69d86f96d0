import LoadsCore
import LoadsMaster
import LoadsTransport
import LoadsWire
import Synchronization
import Testing

/// What is done once for a run: before its users, and after them.
@Suite struct SetUpTests {
    private let done = RunnerEnd.finished(interrupted: false, seconds: 1)

    private func submitted(_ run: String = "r", placement: Placement = Placement()) -> RunSubmission {
        var submission = submission(run, placement: placement)
        submission.order.hasSetUp = true
        return submission
    }

    private func refusal(_ outcome: RunOutcome?) -> String? {
        guard case .refused(let code, let message) = outcome else { return nil }
        return "\(code) \(message)"
    }

    /// The agent that does something once, when it has begun.
    private func doing(_ run: String, of agents: [PlayedAgent]) async throws -> PlayedAgent {
        #expect(await eventually { agents.contains { $0.started(run) } }, "\(run)")
        return try #require(agents.first { $0.started(run) })
    }

    @Test func theValueOfTheSetUpReachesAllAgentsAndTheTearDown() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b")
        try await scene.master.submit(submitted())
        let first = try await doing("r.set-up", of: agents)
        let order = try #require(first.order("r.set-up")?.order)
        #expect(order.phase == .setUp && order.value == nil && order.plan.peakUsers == 1)
        #expect(agents.filter { $0.order("r.set-up") != nil }.count == 1)
        #expect(agents.allSatisfy { $0.order("r") == nil })
        first.report("r.set-up", .value([1, 2, 3]))
        first.end("r.set-up", done)

        for agent in agents { #expect(await eventually { agent.started("r") }) }
        #expect(agents.allSatisfy { $0.order("r")?.order.value == [1, 2, 3] && $0.order("r")?.order.phase == .run })
        for agent in agents {
            agent.report("r", .batch(batch(30)))
            agent.end("r", done)
        }
        let last = try await doing("r.tear-down", of: agents)
        let tearDown = try #require(last.order("r.tear-down")?.order)
        #expect(tearDown.phase == .tearDown && tearDown.value == [1, 2, 3])
        last.report("r.tear-down", .value([]))
        last.end("r.tear-down", done)
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.statistics.iterations.ok == 60 && summary.tearDownFailure == nil && !summary.interrupted)
        #expect(ExitStatus(summary) == .passed)
        await scene.end()
    }

    @Test func aSetUpThatFailsEndsTheRunBeforeAnyLoad() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b")
        try await scene.master.submit(submitted())
        let first = try await doing("r.set-up", of: agents)
        first.end("r.set-up", .refused(code: 69, message: "the shop is closed"))
        let outcome = await scene.master.outcome(of: "r")
        #expect(refusal(outcome) == "69 " + "nothing was run: the shop is closed")
        #expect(agents.allSatisfy { $0.order("r") == nil && $0.order("r.tear-down") == nil })
        await scene.end()
    }

    @Test func aSetUpWithoutAWordIsToldAsWhatItIs() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a")
        try await scene.master.submit(submitted())
        // An older runner passes over the phase, and plays a user.
        let first = try await doing("r.set-up", of: agents)
        first.end("r.set-up", done)
        guard case .refused(69, let message) = await scene.master.outcome(of: "r") else {
            Issue.record("it was run")
            return
        }
        #expect(message.contains("use the same release"))
        await scene.end()
    }

    @Test func aRunnerThatCrashesInTheSetUpIsQuoted() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a")
        try await scene.master.submit(submitted())
        let first = try await doing("r.set-up", of: agents)
        first.end(
            "r.set-up",
            .crashed(
                RunnerCrash(
                    reason: "signal 11 (SIGSEGV)", output: "Fatal error", unreportedStarted: 0, unreportedEnded: 0,
                    unreportedHits: 0)))
        let outcome = await scene.master.outcome(of: "r")
        #expect(refusal(outcome) == "69 " + "nothing was run: signal 11 (SIGSEGV)\nFatal error")
        await scene.end()
    }

    @Test(arguments: [true, false]) func aRunThatIsEndedIsTornDown(abort: Bool) async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b")
        try await scene.master.submit(submitted())
        let first = try await doing("r.set-up", of: agents)
        first.report("r.set-up", .value([7]))
        first.end("r.set-up", done)
        for agent in agents { #expect(await eventually { agent.started("r") }) }
        if abort { scene.master.abort("r") } else { scene.master.stop("r") }
        let last = try await doing("r.tear-down", of: agents)
        last.report("r.tear-down", .value([]))
        last.end("r.tear-down", done)
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.interrupted && summary.tearDownFailure == nil)
        await scene.end()
    }

    @Test func aTearDownThatFailsIsToldAndFailsTheRun() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a")
        try await scene.master.submit(submitted())
        let agent = try await doing("r.set-up", of: agents)
        agent.report("r.set-up", .value([7]))
        agent.end("r.set-up", done)
        #expect(await eventually { agent.started("r") })
        agent.report("r", .batch(batch(3)))
        agent.end("r", done)
        _ = try await doing("r.tear-down", of: agents)
        agent.end("r.tear-down", .refused(code: 69, message: "the shop is gone"))
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.tearDownFailure == "the shop is gone" && summary.statistics.iterations.ok == 3)
        #expect(ExitStatus(summary) == .failures)
        await scene.end()
    }

    @Test func aRunThatIsStoppedWhileItIsSetUpIsTornDownIfItWasSetUp() async throws {
        let scene = try await Scene()
        let agents = [scene.agent("a", polite: false)]
        try await scene.master.submit(submitted())
        #expect(await eventually { agents[0].order("r.set-up") != nil })
        agents[0].say(.status(run: "r.set-up", .ready))
        let agent = try await doing("r.set-up", of: agents)
        agent.report("r.set-up", .started(late: 0))
        scene.master.stop("r")
        #expect(
            await eventually { agent.heard.contains { if case .stop("r.set-up", _, _) = $0 { true } else { false } } })
        // It was just done.
        agent.report("r.set-up", .value([7]))
        agent.end("r.set-up", done)
        #expect(await eventually { agent.order("r.tear-down") != nil })
        agent.say(.status(run: "r.tear-down", .ready))
        _ = try await doing("r.tear-down", of: agents)
        agent.report("r.tear-down", .started(late: 0))
        agent.report("r.tear-down", .value([]))
        agent.end("r.tear-down", done)
        let outcome = await scene.master.outcome(of: "r")
        #expect(refusal(outcome) == "130 " + "interrupted before it started")
        #expect(agent.order("r") == nil)
        await scene.end()
    }

    @Test func aRunThatIsRefusedAfterItsSetUpIsTornDownFirst() async throws {
        let scene = try await Scene()
        let agents = [scene.agent("a", polite: false)]
        try await scene.master.submit(submitted())
        #expect(await eventually { agents[0].order("r.set-up") != nil })
        let agent = agents[0]
        agent.say(.status(run: "r.set-up", .ready))
        _ = try await doing("r.set-up", of: agents)
        agent.report("r.set-up", .started(late: 0))
        agent.report("r.set-up", .value([7]))
        agent.end("r.set-up", done)
        #expect(await eventually { agent.order("r") != nil })
        agent.say(.status(run: "r", .refused(code: 69, message: "no such test")))
        #expect(await eventually { agent.order("r.tear-down") != nil })
        agent.say(.status(run: "r.tear-down", .ready))
        _ = try await doing("r.tear-down", of: agents)
        agent.report("r.tear-down", .started(late: 0))
        agent.report("r.tear-down", .value([]))
        agent.end("r.tear-down", done)
        #expect(refusal(await scene.master.outcome(of: "r")) == "69 no such test")
        await scene.end()
    }

    @Test func anAgentThatHasForgottenTheSetUpEndsTheRunAtAMasterThatIsRestarted() async throws {
        let storage = MemoryStorage()
        let before = try await Scene(storage: storage)
        try await before.master.submit(submitted())
        _ = try await doing("r.set-up", of: await before.agents("a"))
        await before.end()

        let after = try await Scene(storage: storage)
        let agent = await after.agents("a")[0]
        let refusal = refusal(await after.master.outcome(of: "r"))
        #expect(
            refusal?.hasPrefix("69 nothing was run") == true && refusal?.contains("forgotten") == true,
            "\(refusal ?? "")")
        #expect(agent.order("r") == nil)
        await after.end()
    }

    @Test func aMasterThatIsRestartedGoesOnWithWhatIsDoneOnce() async throws {
        let storage = MemoryStorage()
        let before = try await Scene(storage: storage)
        let old = await before.agents("a")[0]
        try await before.master.submit(submitted())
        _ = try await doing("r.set-up", of: [old])
        await before.end()

        let after = try await Scene(storage: storage)
        // It has gone on with the set-up meanwhile, and says so in its first hello.
        let agent = after.agent("a", held: ["r.set-up": old.state.withLock { $0.sequences["r.set-up"] ?? 0 }])
        #expect(await eventually { agent.isTakenIn })
        agent.report("r.set-up", .value([9]))
        agent.end("r.set-up", done)
        #expect(await eventually { agent.order("r")?.order.value == [9] })
        #expect(await eventually { agent.started("r") })
        agent.end("r", done)
        _ = try await doing("r.tear-down", of: [agent])
        agent.report("r.tear-down", .value([]))
        agent.end("r.tear-down", done)
        #expect(try summary(await after.master.outcome(of: "r")).tearDownFailure == nil)
        await after.end()
    }
}

import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import Synchronization
import Testing

@Suite struct AgentLossTests {
    /// Starts a run on two agents, each of which measures a second's worth.
    private func twoAgents(_ scene: Scene, onLost: Placement.OnLost) async throws -> (PlayedAgent, PlayedAgent) {
        let agents = await scene.agents("a", "b")
        try await scene.master.submit(submission("r", users: 4, placement: Placement(onLost: onLost)))
        for agent in agents {
            #expect(await eventually { agent.started("r") })
            agent.report("r", .batch(batch(5, from: 0.9, to: 1)))
            #expect(await eventually { agent.acknowledged("r") == 2 })
        }
        return (agents[0], agents[1])
    }

    private func quick(_ settings: inout MasterSettings) {
        settings.lease = .seconds(2)
        settings.grace = .seconds(4)
    }

    @Test func anAgentThatIsLostIsNamedWithItsUsersAndTheIntervalWithoutData() async throws {
        let scene = try await Scene(quick)
        let (a, b) = try await twoAgents(scene, onLost: .goOn)
        b.close()
        let client = scene.client()
        #expect(
            await eventually {
                if case .log(let log) = await client.ask(.log(run: "r", from: 1)) {
                    log.contains { $0.event.kind == "agent-silent" && $0.event.agent == "b" }
                } else {
                    false
                }
            })
        a.end("r", .finished(interrupted: false, seconds: 3))
        let summary = try summary(await scene.master.outcome(of: "r"))
        let lost = try #require(summary.agents.first { $0.id == "b" })
        #expect(lost.state == .lost && lost.users == 2 && lost.hits == 5)
        #expect(lost.missing?.from == 1 && lost.missing?.to == nil)
        #expect(summary.agents.first { $0.id == "a" }?.missing == nil)
        #expect(summary.statistics.hitCount == 10)
        #expect(summary.crash == nil && summary.duration == 3)
        await scene.end()
    }

    @Test func itsUsersGoToTheOthersWhenThatIsWanted() async throws {
        let scene = try await Scene(quick)
        let (a, b) = try await twoAgents(scene, onLost: .redistribute)
        b.close()
        #expect(
            await eventually {
                a.heard.contains {
                    if case .adjust("r", let new) = $0 { new.users == 4 && new.firstNewUser == 4 } else { false }
                }
            })
        a.end("r", .finished(interrupted: false, seconds: 3))
        #expect(try summary(await scene.master.outcome(of: "r")).agents.map(\.users) == [4, 2])
        await scene.end()
    }

    @Test func theRunStopsWhenThatIsWanted() async throws {
        let scene = try await Scene(quick)
        let (_, b) = try await twoAgents(scene, onLost: .stop)
        b.close()
        let summary = try summary(await scene.master.outcome(of: "r"))
        // Nobody interrupted it: it broke off.
        #expect(!summary.interrupted && summary.crash?.isLoss == true && ExitStatus(summary) == .crashed)
        #expect(summary.crash?.reason.contains("--on-lost stop") == true)
        await scene.end()
    }

    @Test func aCutThatHealsLosesNothing() async throws {
        let scene = try await Scene()
        let (a, b) = try await twoAgents(scene, onLost: .goOn)
        b.reconnect()
        let welcomes = { b.heard.count { if case .welcome = $0 { true } else { false } } }
        #expect(await eventually { welcomes() == 2 })
        // What it sends again after the cut is acknowledged and not counted twice.
        b.push("r", .report(RunnerReport.batch(batch(5, from: 0.9, to: 1)).encoded()[0]), sequence: 2)
        b.report("r", .batch(batch(7, from: 1, to: 2)))
        for agent in [a, b] { agent.end("r", .finished(interrupted: false, seconds: 3)) }
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.statistics.hitCount == 17)
        #expect(summary.agents.allSatisfy { $0.missing == nil && $0.state == .finished })
        await scene.end()
    }

    @Test func anAgentThatWasRestartedWithoutItsSpoolIsAnotherOne() async throws {
        let scene = try await Scene(quick)
        let (a, b) = try await twoAgents(scene, onLost: .goOn)
        b.close()
        let again = scene.agent("b", epoch: "00000000000000bb")
        #expect(
            await eventually {
                again.heard.contains { if case .error(let fault) = $0 { fault.code == "duplicate" } else { false } }
            })
        await eventually {
            again.onLoop { $0.greet() }
            try? await Task.sleep(for: .milliseconds(50))
            return again.isTakenIn
        }
        a.end("r", .finished(interrupted: false, seconds: 3))
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.agents.first { $0.id == "b" }?.missing?.reason.contains("restarted") == true)
        // The new one is free for the next run.
        try await scene.master.submit(submission("r2", placement: Placement(agents: 2)))
        #expect(await eventually { again.started("r2") && a.started("r2") })
        await scene.end()
    }

    @Test func anAgentGivenUpTooEarlyBringsItsNumbersBack() async throws {
        let scene = try await Scene(quick)
        let (a, b) = try await twoAgents(scene, onLost: .goOn)
        b.state.withLock { $0.beats = false }
        let client = scene.client()
        #expect(
            await eventually {
                if case .log(let log) = await client.ask(.log(run: "r", from: 1)) {
                    log.contains { $0.event.kind == "agent-lost" }
                } else {
                    false
                }
            })
        b.state.withLock { $0.beats = true }
        b.reconnect()
        b.report("r", .batch(batch(6, from: 1, to: 2)))
        b.end("r", .finished(interrupted: false, seconds: 2))
        #expect(await eventually { b.acknowledged("r") == 4 })
        a.end("r", .finished(interrupted: false, seconds: 3))
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.statistics.hitCount == 16)
        #expect(summary.agents.allSatisfy { $0.missing == nil })
        await scene.end()
    }

    @Test func anAgentThatLeavesIsMissingAtOnceAndItsUsersGoToTheOthers() async throws {
        // No grace: it has said so.
        let scene = try await Scene()
        let (a, b) = try await twoAgents(scene, onLost: .redistribute)
        b.end("r", .finished(interrupted: true, seconds: 1.5))
        b.say(.goodbye(reason: "the agent was told to stop"))
        #expect(
            await eventually {
                a.heard.contains { if case .adjust("r", let new) = $0 { new.users == 4 } else { false } }
            })
        a.end("r", .finished(interrupted: false, seconds: 3))
        let summary = try summary(await scene.master.outcome(of: "r"))
        let left = try #require(summary.agents.first { $0.id == "b" })
        #expect(left.state == .left && left.users == 2 && left.hits == 5 && left.missing?.from == 1.5)
        #expect(!summary.interrupted && summary.crash == nil && summary.statistics.hitCount == 10)
        await scene.end()
    }

    @Test func anAgentThatSaysGoodbyeWithoutItsResultsIsLostAtOnce() async throws {
        let scene = try await Scene()
        let (a, b) = try await twoAgents(scene, onLost: .goOn)
        b.say(.goodbye(reason: "the agent was told to end at once"))
        a.end("r", .finished(interrupted: false, seconds: 3))
        let lost = try summary(await scene.master.outcome(of: "r")).agents.first { $0.id == "b" }
        #expect(lost?.state == .lost && lost?.missing?.reason.contains("it has left") == true)
        await scene.end()
    }

    @Test func aMasterThatWasStoppedItselfLosesNobody() async throws {
        let scene = try await Scene {
            $0.lease = .seconds(1)
            $0.grace = .seconds(2)
        }
        let (a, b) = try await twoAgents(scene, onLost: .goOn)
        // The agents live on the same loop; what counts is that the master looks at the clock before it hears them.
        scene.loop.submit { sleep(4) }
        let client = scene.client()
        for agent in [a, b] {
            agent.report("r", .batch(batch(5, from: 1, to: 2)))
            agent.end("r", .finished(interrupted: false, seconds: 3))
        }
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.agents.allSatisfy { $0.missing == nil && $0.state == .finished })
        guard case .log(let log) = await client.ask(.log(run: "r", from: 1)) else { throw Unexpected() }
        #expect(!log.contains { $0.event.kind == "agent-lost" || $0.event.kind == "agent-silent" })
        await scene.end()
    }

    @Test func anAgentLostBeforeTheStartRefusesTheRunClearly() async throws {
        let scene = try await Scene(quick)
        let a = scene.agent("a", polite: false)
        try await scene.master.submit(submission("r"))
        #expect(await eventually { a.order("r") != nil })
        a.close()
        guard case .refused(70, let message) = await scene.master.outcome(of: "r") else { throw Unexpected() }
        #expect(message.contains("a was lost before the start") && message.contains("waits for one more agent"))
        await scene.end()
    }

    @Test func aRunThatDemandsSoManyAgentsIsRefusedWhenOneIsLostBeforeTheStart() async throws {
        let scene = try await Scene()
        let a = await scene.agents("a")[0]
        let b = scene.agent("b", polite: false)
        #expect(await eventually { b.isTakenIn })
        try await scene.master.submit(submission("r", placement: Placement(agents: 2)))
        #expect(await eventually { b.order("r") != nil })
        b.say(.goodbye(reason: "told to"))
        guard case .refused(70, let message) = await scene.master.outcome(of: "r") else { throw Unexpected() }
        #expect(message.contains("b was lost before the start: it has left: told to"))
        #expect(await eventually { a.heard.contains { if case .stop("r", true, _) = $0 { true } else { false } } })
        await scene.end()
    }

    @Test func anAgentLostBeforeTheStartIsReplacedByThoseThatAreLeft() async throws {
        let scene = try await Scene()
        let a = await scene.agents("a")[0]
        let b = scene.agent("b", polite: false)
        #expect(await eventually { b.isTakenIn })
        try await scene.master.submit(submission("r"))
        #expect(await eventually { b.order("r") != nil && a.order("r") != nil })
        // A note of the first attempt must not be mistaken for a result of the second.
        a.report("r", .note("loading"))
        #expect(await eventually { a.acknowledged("r") == 1 })
        b.say(.goodbye(reason: "told to"))
        #expect(await eventually { a.started("r.again1") })
        #expect(a.order("r.again1")?.order.plan.peakUsers == 6)
        a.report("r.again1", .batch(batch(60)))
        a.end("r.again1", .finished(interrupted: false, seconds: 3))
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.id == "r" && summary.statistics.hitCount == 60)
        #expect(summary.agents.map(\.id) == ["a"] && summary.agents[0].users == 6)
        #expect(await eventually { a.acknowledged("r.again1") == 3 })
        await scene.end()
    }

    /// Told to end while it prepares, an agent says so by the run's end.
    @Test func anAgentThatEndsWhileItPreparesIsReplaced() async throws {
        let scene = try await Scene()
        let a = await scene.agents("a")[0]
        let b = scene.agent("b", polite: false)
        #expect(await eventually { b.isTakenIn })
        try await scene.master.submit(submission("r"))
        #expect(await eventually { b.order("r") != nil })
        b.end("r", .finished(interrupted: true, seconds: 0))
        #expect(await eventually { a.started("r.again1") })
        #expect(b.order("r.again1") == nil)
        await scene.end()
    }

    /// It still delivers what it has, and was told to end.
    @Test func anAgentThatSaysThatItLeavesGetsNoRun() async throws {
        let scene = try await Scene()
        let a = await scene.agents("a")[0]
        let b = scene.agent("b", polite: false)
        #expect(await eventually { b.isTakenIn })
        try await scene.master.submit(submission("r"))
        #expect(await eventually { a.order("r") != nil && b.order("r") != nil })
        var beat = AgentBeat(sent: 1)
        beat.isLeaving = true
        b.say(.beat(beat))
        // What it prepares is planned anew, whatever it says of it.
        b.say(.status(run: "r", .refused(code: 69, message: "this agent is stopping")))
        #expect(await eventually { a.started("r.again1") })
        a.end("r.again1", .finished(interrupted: false, seconds: 3))
        _ = try summary(await scene.master.outcome(of: "r"))
        try await scene.master.submit(submission("r2"))
        #expect(await eventually { a.started("r2") })
        #expect(b.order("r.again1") == nil && b.order("r2") == nil)
        await scene.end()
    }

    @Test func aQueuedRunIsNotGivenToAnAgentThatIsAboutToLeave() async throws {
        let scene = try await Scene()
        let a = await scene.agents("a")[0]
        try await scene.master.submit(submission("r"))
        #expect(await eventually { a.started("r") })
        try await scene.master.submit(submission("r2"))
        // Told to end; its farewell comes once everything is delivered.
        a.end("r", .finished(interrupted: true, seconds: 5))
        _ = try summary(await scene.master.outcome(of: "r"))
        #expect(a.order("r2") == nil)
        a.say(.goodbye(reason: "told to"))
        let b = await scene.agents("b")[0]
        #expect(await eventually { b.started("r2") })
        #expect(a.order("r2") == nil)
        await scene.end()
    }

    @Test func whatHasLoadsOfItsOwnIsNotRedistributed() async throws {
        let scene = try await Scene()
        let cycle = Plan.Cycle(users: 10, amount: .iterations(1))
        let mix = ["a", "b"].map { MixPart(scenarios: [$0], model: .cycles([cycle])) }
        for model in [LoadModel.cycles([cycle, cycle]), .mix(mix)] {
            var submission = submission("r", placement: Placement(onLost: .redistribute))
            submission.order.plan.model = model
            do {
                try await scene.master.submit(submission)
                Issue.record("it was taken")
            } catch {
                #expect(error.message.contains("--on-lost redistribute"))
            }
            submission.placement.onLost = .stop
            #expect(submission.placement.obstacle(to: submission.order.plan) == nil)
        }
        await scene.end()
    }

    @Test func whatASpoolCouldNotHoldIsNamed() async throws {
        let scene = try await Scene()
        let (a, b) = try await twoAgents(scene, onLost: .goOn)
        b.push("r", .lost(ResultMessage.Loss(messages: 3, hits: 40, iterations: 4, from: 1, to: 2)))
        for agent in [a, b] { agent.end("r", .finished(interrupted: false, seconds: 3)) }
        let missing = try summary(await scene.master.outcome(of: "r")).agents.first { $0.id == "b" }?.missing
        #expect(missing?.hits == 40 && missing?.from == 1 && missing?.to == 2)
        await scene.end()
    }
}

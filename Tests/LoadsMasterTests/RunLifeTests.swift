import LoadsEventLoop
import LoadsTransport
import LoadsWire
import Testing

@testable import LoadsCore
@testable import LoadsMaster

@Suite struct RunLifeTests {
    private func agent(_ id: String, epoch: String = "00000000000000aa") -> KnownAgent {
        let hello = AgentHello(
            agent: id, name: id, epoch: epoch, software: "",
            platform: Platform(system: "linux", architecture: "x86_64", library: "glibc 2.36"), cores: 1,
            memoryBytes: 1)
        return KnownAgent(hello: hello, heard: Instant(nanoseconds: 0))
    }

    private func second(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    /// A run that runs on agents.
    private func running(
        _ agents: String..., cycles: [Int] = [6], onLost: Placement.OnLost = .goOn
    ) -> RunLife {
        running(agents, Plan(cycles: cycles.map { Plan.Cycle(users: $0, amount: .iterations(10)) }), onLost: onLost)
    }

    private func running(
        _ agents: [String], _ plan: Plan, launch: RunnerLaunch = RunnerLaunch(executable: "/x"),
        onLost: Placement.OnLost = .goOn
    ) -> RunLife {
        let submission = RunSubmission(
            run: "r", target: "t", isURLTarget: false, launch: launch, order: RunnerOrder(plan: plan),
            placement: Placement(onLost: onLost))
        var life = RunLife(submission: submission, at: 0)
        life.place(on: agents.map { agent($0) })
        for agent in agents { life.ready(agent) }
        life.begin(at: second(1), wall: 1, errors: [:])
        for agent in agents { life.started(agent, late: 0) }
        _ = life.takeActions()
        return life
    }

    private func orders(_ actions: [RunLife.Action]) -> [String: RunLife.Order] {
        var orders: [String: RunLife.Order] = [:]
        for case .send(let agent, let order) in actions { orders[agent] = order }
        return orders
    }

    // MARK: Rates

    @Test func anAdjustedRateIsRecordedAndUsersAreRefused() {
        var life = running(["a"], Plan(model: .arrivals(Arrivals(rate: .perSecond(10), for: .seconds(60)))))
        #expect(life.adjust(to: .users(5), at: second(3))?.message.contains("--rate 800/s") == true)
        #expect(life.record.changes.isEmpty)
        #expect(life.adjust(to: .rate(.perSecond(20)), at: second(3)) == nil)
        #expect(life.record.changes == [UserChange(at: 2, rate: .perSecond(20))])
    }

    @Test func aChangeThatCouldNotBeStoredInTimeIsMadeLaterOrNotAtAll() throws {
        let rate = ArrivalRate.perSecond(10)
        var life = running(["a"], Plan(model: .arrivals(Arrivals(rate: rate, for: .seconds(60)))))
        let (before, load) = (life.adjustments, RunModels.Load.rate(.perSecond(20)))
        #expect(life.adjust(to: load, at: second(3)) == nil)
        let firstUser = life.member("a")?.adjustment?.firstNewUser
        life.putOff(changeAt: second(3).nanoseconds, to: second(9), load, before: before)
        let later = try #require(life.member("a")?.adjustment)
        #expect(later.at == second(9).nanoseconds && later.change?.from == 8_000_000_000)
        #expect(later.firstNewUser == firstUser)
        #expect(life.record.changes == [UserChange(at: 8, rate: .perSecond(20))])
        guard case .arrivals(let arrivals)? = later.change?.model else {
            Issue.record("\(later)")
            return
        }
        let changed = Arrivals(rate: rate, for: .seconds(60)).changed(to: .perSecond(20), from: 8_000_000_000)
        #expect(arrivals.stages == changed.stages)
        _ = life.takeActions()
        life.putOff(changeAt: second(9).nanoseconds, to: second(61), load, before: before)
        #expect(life.member("a")?.adjustment == nil && life.record.changes.isEmpty)
        #expect(
            life.takeActions().contains {
                if case .event(let event) = $0 { event.text.contains("is not made") } else { false }
            })
    }

    @Test func theLoadOfAMixIsNotChangedAndTheRefusalSaysWhatToDo() {
        let part = MixPart(scenarios: ["a"], model: .arrivals(Arrivals(rate: .perSecond(10), for: .seconds(60))))
        var life = running(["a"], Plan(model: .mix([part])))
        for load in [RunModels.Load.users(5), .rate(.perSecond(20))] {
            let fault = life.adjust(to: load, at: second(3))
            #expect(fault?.code == "state")
            #expect(
                fault?.message
                    == "the run r is a mix, whose load cannot be changed: stop it (`loads stop r`) and start "
                    + "another")
        }
        #expect(life.record.changes.isEmpty && life.takeActions().isEmpty)
    }

    /// The arrivals that two agents go by after a change of 10/s.
    private func changed(to rate: Int, maxUsers: Int? = nil, queue: Int? = nil) -> [Arrivals] {
        var life = running(
            ["a", "b"],
            Plan(arrivals: Arrivals(rate: .perSecond(10), for: .seconds(60), maxUsers: maxUsers, queue: queue)))
        #expect(life.adjust(to: .rate(.perSecond(rate)), at: second(3)) == nil)
        let told = orders(life.takeActions())
        return ["a", "b"].compactMap { name in
            guard case .adjust(let adjustment) = told[name] else { return nil }
            return adjustment.change.flatMap { Plan(model: $0.model).arrivals }
        }
    }

    @Test func aHigherRateMayHaveTheUsersOfTenSecondsAgain() {
        let higher = changed(to: 301)
        #expect(higher.map(\.maxUsers) == [1505, 1505] && higher.map(\.queue) == [1505, 1505])
        #expect(changed(to: 5).map(\.maxUsers) == [50, 50] && changed(to: 5).map(\.queue) == [500, 500])
        // Who has said how many gets no more.
        #expect(changed(to: 300, maxUsers: 7).map(\.maxUsers) == [4, 3])
        #expect(changed(to: 300, queue: 10).map(\.queue) == [5, 5])
        #expect(changed(to: 300, queue: 10).map(\.maxUsers) == [1500, 1500])
    }

    // MARK: Killed with their agent

    @Test(arguments: [(RunnerLaunch.Dialect.lines, false, true), (.lines, true, false), (.messages, false, false)])
    func whatAProgramWroteAndAKilledAgentHadNotReadIsInNoNumber(
        dialect: RunnerLaunch.Dialect, lives: Bool, isUnknown: Bool
    ) {
        var launch = RunnerLaunch(executable: "/x")
        launch.dialect = dialect
        var life = running(["a"], Plan(cycles: [Plan.Cycle(users: 6, amount: .iterations(10))]), launch: launch)
        life.back("a", held: AgentHello.HeldRun(run: "r", sequence: 3, running: lives), lastData: 2)
        let crash = RunnerCrash(
            reason: "gone", output: "", unreportedStarted: 1, unreportedEnded: 1, unreportedHits: 4)
        life.ended("a", .crashed(crash), lastData: 2)
        let missing = life.member("a")?.missing
        #expect(missing?.from == 2 && missing?.hits == 4 && missing?.reason.hasPrefix("gone") == true)
        #expect(missing?.reason.contains("is in no number") == isUnknown)
        #expect(life.record.crash?.reason == missing?.reason)
    }

    // MARK: What is missing

    private let loss = ResultMessage.Loss(messages: 1, hits: 40, iterations: 4, from: 1, to: 2)
    private let crash = RunnerCrash(
        reason: "signal 11", output: "", unreportedStarted: 0, unreportedEnded: 0, unreportedHits: 3)

    @Test(arguments: [
        RunnerEnd.finished(interrupted: false, seconds: 9), .finished(interrupted: true, seconds: 9),
        .crashed(RunnerCrash(reason: "c", output: "", unreportedStarted: 0, unreportedEnded: 0, unreportedHits: 3)),
    ]) func whatAnAgentGaveUpOutlivesEverythingThatBecomesOfIt(end: RunnerEnd) {
        var life = running("a", "b")
        life.gaveUp("b", loss, reason: "its spool was full")
        life.lost("b", reason: "silent", lastData: 5)
        #expect(
            life.member("b")?.allMissing
                == AgentShare.Missing(from: 1, to: nil, hits: 40, reason: "its spool was full; silent"))
        life.back("b", held: AgentHello.HeldRun(run: "r", sequence: 3, running: true), lastData: 5)
        #expect(
            life.member("b")?.allMissing == AgentShare.Missing(from: 1, to: 2, hits: 40, reason: "its spool was full"))
        life.gaveUp("b", loss, reason: "its spool was full")
        life.ended("b", end, lastData: 6)
        let missing = life.member("b")?.allMissing
        #expect(missing?.from == 1 && missing?.reason.hasPrefix("its spool was full") == true)
        if case .crashed = end { #expect(missing?.hits == 83) } else { #expect(missing?.hits == 80) }
    }

    @Test func anAgentThatLeavesIsMissingFromThenOn() {
        var life = running("a", "b")
        life.ended("b", .finished(interrupted: true, seconds: 5), lastData: 4, iterations: 12)
        let left = life.member("b")
        #expect(left?.state == .left)
        #expect(left?.missing?.from == 5 && left?.missing?.to == nil)
        #expect(left?.missing?.reason.contains("18 of its 30 iterations") == true, "\(left?.missing?.reason ?? "")")
        life.ended("a", .finished(interrupted: false, seconds: 9), lastData: 9, iterations: 30)
        #expect(life.record.state == .ended && !life.record.interrupted && life.record.crash == nil)
    }

    @Test func usersOfAnAgentThatLeavesAreGivenToTheOthers() {
        var life = running("a", "b", onLost: .redistribute)
        life.nextAdjustment = second(7)
        life.ended("b", .finished(interrupted: true, seconds: 5), lastData: 4)
        guard case .adjust(let adjustment) = orders(life.takeActions())["a"] else {
            Issue.record("no adjustment")
            return
        }
        #expect(adjustment.users == 6 && adjustment.at == second(7).nanoseconds)
    }

    @Test func aReleasedAgentThatComesBackIsWaitedForAndGetsNoUsers() {
        var life = running("a", "b", onLost: .redistribute)
        life.nextAdjustment = second(7)
        life.lost("b", reason: "silent", lastData: 5)
        _ = life.takeActions()
        life.back("b", held: AgentHello.HeldRun(run: "r", sequence: 3, running: true), lastData: 5)
        guard case .stop(false, _) = orders(life.takeActions())["b"] else {
            Issue.record("it was not told to stop")
            return
        }
        #expect(life.users == 6)
        #expect(life.adjust(users: 8, at: second(8)) == nil)
        let told = orders(life.takeActions())
        #expect(told.keys.sorted() == ["a"])
        life.ended("a", .finished(interrupted: false, seconds: 9), lastData: 9)
        #expect(life.record.state == .running)
        life.ended("b", .finished(interrupted: true, seconds: 6), lastData: 6)
        #expect(life.record.state == .ended && life.member("b")?.missing?.from == 6)
    }

    @Test func anAgentWhoseUsersNobodyTookGoesOnWithThem() {
        var life = running("a", "b", onLost: .redistribute)
        life.ended("a", .finished(interrupted: false, seconds: 4), lastData: 4)
        life.lost("b", reason: "silent", lastData: 5)
        #expect(life.member("b")?.released == false)
    }

    @Test func aLostAgentThatRefusedLeavesItsHoleNamed() {
        var life = running("a", "b")
        life.lost("b", reason: "silent", lastData: 5)
        life.ended("b", .refused(code: 70, message: "no such test"), lastData: 5)
        let missing = life.member("b")?.missing
        #expect(missing?.reason == "no such test" && missing?.from == 5)
        #expect(life.member("b")?.state == .crashed && life.record.crash != nil)
    }

    @Test func aChangeThatTheStorageHeldUpTakesEffectLater() {
        var life = running("a", "b")
        #expect(life.adjust(users: 8, at: second(3)) == nil)
        _ = life.takeActions()
        life.putOff(adjustmentAt: second(3).nanoseconds, to: second(5))
        let told = orders(life.takeActions())
        for agent in ["a", "b"] {
            guard case .adjust(let adjustment) = told[agent] else {
                Issue.record("\(agent) was not told")
                continue
            }
            #expect(adjustment.at == second(5).nanoseconds && adjustment.users == 4)
        }
        #expect(life.record.changes == [UserChange(at: 4, users: 8)])
    }

    @Test func aRunWhoseAgentsHaveAllLeftWasInterrupted() {
        var life = running("a", "b")
        for agent in ["a", "b"] { life.ended(agent, .finished(interrupted: true, seconds: 5), lastData: 4) }
        #expect(life.record.state == .ended && life.record.interrupted && life.record.crash == nil)
    }

    @Test func anAgentThatWasToldToStopHasNotLeft() {
        var life = running("a", "b")
        life.stop(abort: false, reason: "stopped")
        for agent in ["a", "b"] { life.ended(agent, .finished(interrupted: true, seconds: 5), lastData: 4) }
        #expect(life.members.allSatisfy { $0.state == .finished && $0.allMissing == nil })
        #expect(life.record.interrupted)
    }

    // MARK: After a restart of the master

    @Test func anAbortIsStillAnAbort() {
        var life = running("a")
        life.stop(abort: true, reason: "stopped")
        var again = RunLife(restoring: life.record)
        again.back("a", held: AgentHello.HeldRun(run: "r", sequence: 3, running: true), lastData: 5)
        #expect(orders(again.takeActions())["a"] == .stop(abort: true, reason: "stopped"))
    }

    // MARK: Users' numbers

    /// Plays the agents' side: the roster of each, as its runner has it.
    @Test func noTwoUsersOfARunHaveTheSameNumber() {
        var life = running("a", "b", cycles: [2, 20])
        var numbers: [Int] = []
        var rosters: [String: Roster] = [:]
        func begin(_ cycle: Int) {
            for agent in ["a", "b"] {
                let plan = life.plan(of: agent)!
                let next = rosters[agent]?.next ?? plan.firstUser + plan.peakUsers
                if cycle == 0 { numbers += plan.firstUser..<plan.firstUser + plan.peakUsers }
                rosters[agent] = Roster(first: plan.firstUser, users: plan.cycles[cycle].users, next: next)
            }
        }
        func adjust(_ users: Int, heardBy agents: [String] = ["a", "b"]) {
            #expect(life.adjust(users: users, at: second(3)) == nil)
            for (agent, order) in orders(life.takeActions()) where agents.contains(agent) {
                guard case .adjust(let new) = order else { continue }
                numbers += rosters[agent]!.adjust(to: new.users, firstNew: new.firstNewUser).added
            }
        }
        begin(0)
        adjust(30)
        adjust(40, heardBy: ["a"])
        adjust(6)
        adjust(50)
        begin(1)
        adjust(60)
        #expect(Set(numbers).count == numbers.count)
    }

    @Test func aRunThatHasNoNumbersLeftIsNotChanged() {
        var life = running("a")
        while life.adjust(users: 1_000_000, at: second(3)) == nil { _ = life.takeActions() }
        #expect(life.record.nextUser <= 1 << 30)
        #expect(life.adjust(users: 1_000_000, at: second(3))?.message.contains("no numbers left") == true)
    }

    // MARK: Before the start

    @Test func anAgentLostBeforeTheStartSendsTheRunBackIntoTheQueueUnderAnotherName() {
        let submission = submission("r")
        var life = RunLife(submission: submission, at: 0)
        life.place(on: [agent("a"), agent("b", epoch: "00000000000000bb")])
        life.ready("a")
        _ = life.takeActions()
        life.lost("b", reason: "silent", lastData: 0)
        #expect(life.record.state == .queued && life.record.agentRun == "r.again1" && life.members.isEmpty)
        #expect(life.shunned == ["b": "00000000000000bb"])
        guard case .drop("r", _) = orders(life.takeActions())["a"] else {
            Issue.record("the other was not told")
            return
        }
        life.place(on: [agent("a")])
        #expect(life.plan(of: "a")?.peakUsers == 6 && life.member("a")?.source.attempt == 1)
    }

    /// It was killed and started again, and recovered its spool: its runner died with it.
    @Test func anAgentRestartedBeforeTheStartGetsTheRunAgain() {
        var life = RunLife(submission: submission("r"), at: 0)
        life.place(on: [agent("a"), agent("b")])
        for agent in ["a", "b"] { life.ready(agent) }
        #expect(life.canStart)
        life.back("b", held: AgentHello.HeldRun(run: "r", sequence: 1, running: false), lastData: 0)
        // Its runner's end is on its way.
        #expect(!life.canStart)
        life.ended("b", .crashed(crash), lastData: 0)
        #expect(life.record.state == .queued && life.record.crash == nil)
        #expect(life.shunned.isEmpty && life.lostBeforeStart?.contains("b was lost before the start") == true)
    }

    @Test func aRunnerThatCrashesBeforeTheStartEndsTheRun() {
        var life = RunLife(submission: submission("r"), at: 0)
        life.place(on: [agent("a"), agent("b")])
        // It was out of reach while it fetched files: its runner came later.
        life.back("b", held: AgentHello.HeldRun(run: "r", sequence: 0, running: false), lastData: 0)
        life.ready("b")
        life.ended("b", .crashed(crash), lastData: 0)
        #expect(life.record.state == .stopping && life.record.crash == crash)
    }

    @Test func aStartThatIsPutOffIsSentAgain() {
        var life = RunLife(submission: submission("r"), at: 0)
        life.place(on: [agent("a")])
        life.ready("a")
        life.begin(at: second(1), wall: 1, errors: [:])
        _ = life.takeActions()
        life.putOff(to: second(3), wall: 3)
        #expect(orders(life.takeActions())["a"] == .start(at: second(3)))
        #expect(life.record.start == second(3) && life.record.startedAt == 3)
    }
}

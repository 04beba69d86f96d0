import LoadsCore
import LoadsEventLoop
import LoadsWire

/// A run from its submission to its end. A pure structure: what happens goes in, what is to be done comes out.
struct RunLife {
    /// What is to be done.
    enum Action: Equatable {
        case send(agent: String, Order)
        case event(RunEvent)
        /// Let the set-up or the tear-down be done, as a run of its own.
        case once(RunnerOrder.Phase)
        /// End that run at once.
        case endOnce
    }

    /// What an agent is to be told; points in time are on the master's clock.
    enum Order: Equatable {
        case prepare
        case start(at: Instant)
        case adjust(Adjustment)
        case stop(abort: Bool, reason: String)
        /// End an attempt that was given up before its start, which the run has no part in any more.
        case drop(run: String, reason: String)
    }

    /// Changed by its own methods alone.
    var record: RunRecord
    /// Done by whoever holds this, in order, after each call.
    private(set) var actions: [Action] = []
    /// When users start that are given to other agents, on the master's clock; kept in the near future by whoever holds
    /// this.
    var nextAdjustment = Instant(nanoseconds: 0)
    /// Why the run is planned anew, while it is; then it must find agents at once.
    var lostBeforeStart: String?
    /// Agents that were gone before the start, and under which epoch: they get no other attempt.
    var shunned: [String: String] = [:]
    /// Agents that came back without the runner that they had.
    var withoutRunner: Set<String> = []

    init(submission: RunSubmission, at wall: Double) {
        record = RunRecord(submission: submission, submittedAt: wall)
        event("queued", "\(submission.target) is queued")
        guard submission.order.hasSetUp, submission.order.phase == .run else { return }
        record.setUp = RunRecord.SetUp()
        once(.setUp)
    }

    /// A run as it was stored: its agents are silent until they say hello.
    init(restoring record: RunRecord) {
        self.record = record
        if record.isOver { return }
        for index in self.record.members.indices where !record.members[index].isDone {
            self.record.members[index].silent = true
        }
    }

    mutating func takeActions() -> [Action] {
        defer { actions.removeAll() }
        return actions
    }

    var members: [RunMember] { record.members }
    var placement: Placement { record.submission.placement }
    /// Users on all agents together.
    var users: Int { members.reduce(0) { $0 + ($1.isDone ? 0 : $1.users) } }

    func member(_ agent: String) -> RunMember? { members.first { $0.agent == agent } }

    // MARK: While it runs

    mutating func started(_ agent: String, late: Double) {
        guard let index = index(agent) else { return }
        if members[index].phase == .starting { record.members[index].phase = .running }
        let isFirst = members.allSatisfy { $0.startSkew == nil }
        record.members[index].startSkew = late
        if isFirst { event("started", "the users start") }
    }

    /// An agent's runner has ended: everything that it measured has been taken.
    ///
    /// - Parameters:
    ///   - lastData: Until when there is data of it, in seconds since the start.
    ///   - iterations: How many of its have ended.
    mutating func ended(_ agent: String, _ end: RunnerEnd, lastData: Double, iterations: Int = 0) {
        guard let index = index(agent), !members[index].hasEnded else { return }
        if members[index].phase == .lost {
            // Given up too early: this is what became of it.
            record.members[index].phase = .running
            if case .refused = end {} else { record.members[index].missing = nil }
        }
        switch end {
        case .finished(interrupted: true, let seconds) where record.stop == nil:
            left(index, at: seconds, iterations: iterations)
        case .finished(let interrupted, let seconds):
            record.members[index].phase = .finished
            record.duration = max(record.duration, seconds)
            // One that was told to end is no interruption of its own: why it was told is known.
            if interrupted, record.state != .stopping { record.interrupted = true }
            if members.count > 1 { event("agent-ended", "\(members[index].name) has ended", agent) }
        case .refused(let code, let message): refused(by: agent, code: code, message)
        case .crashed(let crash): crashed(index, crash, lastData: lastData)
        }
        finishIfDone()
    }

    /// Results that an agent had to give up.
    mutating func gaveUp(_ agent: String, _ loss: ResultMessage.Loss, reason: String) {
        guard let index = index(agent) else { return }
        let loss = AgentShare.Missing(from: loss.from, to: loss.to, hits: loss.hits, reason: reason)
        record.members[index].gaveUp = members[index].gaveUp?.joined(with: loss) ?? loss
        event(
            "hits-dropped", "\(members[index].name): \(reason): \(Counted.text(loss.hits ?? 0, "hit")) missing", agent)
    }

    /// Changes the number of users on all agents at one instant.
    ///
    /// - Returns: Why it cannot be.
    mutating func adjust(users: Int, at instant: Instant) -> WireFault? {
        guard record.state == .running else {
            return WireFault(code: "state", message: "the run \(record.run) is not running: nothing to adjust")
        }
        guard (1...1_000_000).contains(users) else {
            return WireFault(code: "malformed", message: "\(users) users: from 1 to 1,000,000 can be asked for")
        }
        if let problem = share(users, at: instant) { return WireFault(code: "state", message: problem) }
        record.changes.append(UserChange(at: elapsed(instant), users: users))
        event("adjusted", "\(Counted.text(users, "user")) from \(seconds(instant)) s on")
        return nil
    }

    // MARK: Agents that come and go

    mutating func silent(_ agent: String) {
        guard let index = index(agent), !members[index].isDone, !members[index].silent else { return }
        record.members[index].silent = true
        if !record.isOver { event("agent-silent", "\(members[index].name) is silent; it may come back", agent) }
    }

    /// An agent beats again: its lease had ended, its connection had not.
    mutating func heard(_ agent: String) {
        guard let index = index(agent), members[index].silent else { return }
        record.members[index].silent = false
        if !record.isOver { event("agent-back", "\(members[index].name) is back", agent) }
    }

    /// An agent said hello under the same epoch: it is told again what it may have missed.
    mutating func back(_ agent: String, held: AgentHello.HeldRun?, lastData: Double) {
        guard let index = index(agent) else { return }
        let phase = members[index].phase
        if members[index].hasEnded { return }
        guard held != nil || phase == .ordered else {
            lost(agent, reason: "it has forgotten the run", lastData: lastData)
            return
        }
        heard(agent)
        if held?.running == false { withoutRunner.insert(agent) }
        if phase == .lost, members[index].released, !record.isOver {
            // Its users are with others now; what it measured before it is told to stop counts all the same.
            record.members[index].phase = .running
            record.members[index].missing = nil
            record.members[index].users = 0
            event("agent-back", "\(members[index].name) is back with what it measured", agent)
        }
        if record.isOver || members[index].released {
            send(agent, .stop(abort: record.isOver, reason: "its users were given to other agents"))
            return
        }
        switch phase {
        case .ordered: send(agent, .prepare)
        case .starting: if let start = record.start { send(agent, .start(at: start)) }
        case .lost:
            // Given up too early: it has gone on, and what it kept is coming.
            record.members[index].phase = .running
            record.members[index].missing = nil
            event("agent-back", "\(members[index].name) is back with what it measured", agent)
        default: break
        }
        if let adjustment = members[index].adjustment { send(agent, .adjust(adjustment)) }
        if let stop = record.stop { send(agent, .stop(abort: stop.abort, reason: stop.reason)) }
    }

    /// An agent is given up.
    ///
    /// - Parameter lastData: Until when there is data of it, in seconds since the start.
    mutating func lost(_ agent: String, reason: String, lastData: Double) {
        guard let index = index(agent), !members[index].isDone else { return }
        let name = members[index].name
        if record.isOver {
            record.members[index].phase = .lost
            return
        }
        if record.state == .preparing { return leftBeforeStart(index, reason) }
        let users = members[index].users
        record.members[index].phase = .lost
        record.members[index].silent = false
        record.members[index].missing = AgentShare.Missing(from: lastData, to: nil, hits: nil, reason: reason)
        record.duration = max(record.duration, lastData)
        event(
            "agent-lost",
            "\(name) is lost: \(reason); nothing comes of its \(Counted.text(users, "user")) from \(text(lastData)) s on",
            agent)
        compensate(index, users)
        finishIfDone()
    }

    // MARK: The end

    /// Ends the run before its plan is done. A second time with `abort` ends it at once.
    ///
    /// - Parameter isPolicy: Whether nobody asked for it: then it is no interruption.
    mutating func stop(abort: Bool, reason: String, isPolicy: Bool = false) {
        if stopOnce(abort: abort, reason: reason) { return }
        switch record.state {
        case .queued, .preparing: refuse(code: 130, "\(reason) before it started")
        case .running, .stopping:
            if let stop = record.stop, stop.abort || !abort { return }
            record.stop = RunRecord.Stop(abort: abort, reason: reason)
            record.state = .stopping
            if !isPolicy { record.interrupted = true }
            event("stopping", abort ? "\(reason), at once" : reason)
            for member in members where !member.isDone { send(member.agent, .stop(abort: abort, reason: reason)) }
            finishIfDone()
        case .ended, .refused: break
        }
    }

    /// An agent has ended its users by itself: it was told to end, or had no master for too long. All that they did is
    /// there; what they would have done is not.
    private mutating func left(_ index: Int, at seconds: Double, iterations: Int) {
        let agent = members[index].agent
        let name = members[index].name
        if record.state == .preparing { return leftBeforeStart(index, "it was told to end") }
        let users = members[index].users
        var reason =
            members[index].released
            ? "its users were given to other agents" : "it ended its users before the plan was done"
        if let planned = plannedIterations(index), planned > iterations {
            reason += "; \(planned - iterations) of its \(planned) iterations were not begun or not finished"
        }
        record.members[index].phase = .left
        record.members[index].silent = false
        record.members[index].missing = AgentShare.Missing(from: seconds, to: nil, hits: nil, reason: reason)
        record.duration = max(record.duration, seconds)
        event(
            "agent-left",
            "\(name) has left; nothing comes of its \(Counted.text(users, "user")) from \(text(seconds)) s on", agent)
        compensate(index, users)
    }

    /// How many iterations an agent was given; nil where the plan does not say, or no more does.
    private func plannedIterations(_ index: Int) -> Int? {
        members[index].adjustment == nil ? plan(of: members[index].agent)?.plannedIterations : nil
    }

    mutating func crashed(_ index: Int, _ crash: RunnerCrash, lastData: Double) {
        let agent = members[index].agent
        if record.state == .preparing, withoutRunner.contains(agent) {
            return leftBeforeStart(index, "it was restarted", mayPrepareAgain: true)
        }
        var crash = crash
        if withoutRunner.contains(agent), record.submission.launch.dialect == .lines {
            // The pipe between them went with both: nobody can know how much was in it.
            crash.reason += "; what its program had written and it had not read is in no number"
        }
        let users = members[index].users
        record.members[index].phase = .crashed
        record.members[index].silent = false
        record.members[index].missing = AgentShare.Missing(
            from: lastData, to: nil, hits: crash.unreportedHits, reason: crash.reason)
        record.duration = max(record.duration, lastData)
        if record.crash == nil {
            record.crash = crash
        } else {
            record.crash!.unreportedStarted += crash.unreportedStarted
            record.crash!.unreportedEnded += crash.unreportedEnded
            record.crash!.unreportedHits += crash.unreportedHits
        }
        event("crashed", "the runner of \(members[index].name) crashed: \(crash.reason)", agent)
        if record.state == .preparing {
            record.state = .stopping
            record.stop = RunRecord.Stop(abort: true, reason: "a runner crashed before the start")
            for member in members where !member.isDone {
                send(member.agent, .stop(abort: true, reason: "a runner crashed before the start"))
            }
            return
        }
        compensate(index, users)
    }

    /// What the submission wants to happen when an agent's users are gone.
    private mutating func compensate(_ index: Int, _ users: Int) {
        guard record.state == .running, !members[index].released else { return }
        switch placement.onLost {
        case .goOn: break
        case .stop:
            let reason = "\(members[index].name) was lost, and --on-lost stop ends the run then"
            if record.crash == nil { record.crash = .lost(reason) }
            stop(abort: false, reason: reason, isPolicy: true)
        case .redistribute:
            // Where nobody takes them it goes on with them when it comes back.
            if record.submission.order.plan.cycles.isEmpty {
                guard inherit(from: index, at: nextAdjustment) else { return }
                record.members[index].released = true
                event("adjusted", "the share of \(members[index].name) was given to the others", members[index].agent)
                return
            }
            guard users > 0, share(self.users + users, at: nextAdjustment) == nil else { return }
            record.members[index].released = true
            event("adjusted", "the users of \(members[index].name) were given to the others", members[index].agent)
        }
    }

    /// Divides users among the agents that run.
    ///
    /// How many of its share an agent adds depends on its cycle and on which changes it has heard of: it gets as many
    /// numbers as it may need, so that no two users of a run ever have the same.
    ///
    /// - Returns: Why it cannot be.
    private mutating func share(_ total: Int, at instant: Instant) -> String? {
        let running = self.running
        guard !running.isEmpty else { return "no agent of the run \(record.run) is running" }
        guard total <= Self.userNumbers - record.nextUser else {
            return "the run \(record.run) was changed so often that there are no numbers left for new users"
        }
        let shares = Share.users(total, weights: weights(running.map { members[$0].cores }))
        for (index, users) in zip(running, shares) {
            let adjustment = Adjustment(users: users, firstNewUser: record.nextUser, at: instant.nanoseconds)
            record.nextUser += users
            record.members[index].users = users
            record.members[index].peakUsers = max(members[index].peakUsers, users)
            record.members[index].adjustment = adjustment
            send(members[index].agent, .adjust(adjustment))
        }
        return nil
    }

    /// What the wire lets a user's number be.
    private static let userNumbers = 1 << 30

    mutating func finishIfDone() {
        guard record.state == .running || record.state == .stopping, !isTearingDown, !isSettingUp,
            members.allSatisfy(\.isDone)
        else { return }
        let gone = members.allSatisfy { $0.phase == .lost || $0.phase == .left }
        if gone, members.allSatisfy({ $0.phase == .left }) {
            record.interrupted = true
        } else if gone, record.crash == nil {
            let reasons = members.compactMap { $0.missing?.reason }
            record.crash = .lost(
                members.count == 1 ? "its agent is lost: \(reasons.first ?? "")" : "all its agents are lost")
        }
        if tearDown() { return }
        record.state = .ended
        event("ended", "the run has ended")
    }

    func weights(_ cores: [Int]) -> [Int] {
        placement.weighted ? cores : [Int](repeating: 1, count: cores.count)
    }

    func index(_ agent: String) -> Int? { members.firstIndex { $0.agent == agent } }
    mutating func send(_ agent: String, _ order: Order) { actions.append(.send(agent: agent, order)) }

    mutating func once(_ phase: RunnerOrder.Phase) { actions.append(.once(phase)) }
    mutating func endOnce() { actions.append(.endOnce) }

    mutating func event(_ kind: String, _ text: String, _ agent: String? = nil) {
        actions.append(.event(RunEvent(kind: kind, text: text, agent: agent)))
    }

    func seconds(_ instant: Instant) -> String {
        text(elapsed(instant))
    }

    func elapsed(_ instant: Instant) -> Double {
        record.start.map { Double(instant.nanoseconds(since: $0)) / 1e9 } ?? 0
    }

    /// Why it was stopped, if it was.
    var stopReason: String? { record.stop?.reason }

    private func text(_ seconds: Double) -> String {
        let tenths = Int((max(0, min(seconds, 1e9)) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

import LoadsCore
import LoadsEventLoop
import LoadsWire

// Before the users start.
extension RunLife {
    /// Gives the run to agents.
    ///
    /// - Parameter chosen: At least one; no more than there are users.
    mutating func place(on chosen: [KnownAgent]) {
        let plan = Share.seeded(record.submission.order.plan, for: record.run)
        let plans = Share.plans(of: plan, weights: weights(chosen.map(\.hello.cores)))
        record.members = zip(chosen, plans).map { agent, plan in
            RunMember(
                agent: agent.hello.agent, name: agent.hello.name, epoch: agent.epoch, attempt: record.attempt,
                cores: agent.hello.cores, firstUser: plan.firstUser, users: plan.peakUsers)
        }
        record.nextUser = plan.firstUser + plans.reduce(0) { $0 + $1.peakUsers }
        record.state = .preparing
        lostBeforeStart = nil
        withoutRunner = []
        let names = chosen.map(\.hello.name).joined(separator: ", ")
        event("preparing", chosen.count == 1 ? "prepared by \(names)" : "prepared by \(chosen.count) agents: \(names)")
        for member in members { send(member.agent, .prepare) }
    }

    /// The share of the plan that an agent was given at the beginning.
    func plan(of agent: String) -> Plan? {
        let plan = Share.seeded(record.submission.order.plan, for: record.run)
        let plans = Share.plans(of: plan, weights: weights(members.map(\.cores)))
        return members.firstIndex { $0.agent == agent }.map { plans[$0] }
    }

    mutating func ready(_ agent: String) {
        guard let index = index(agent), members[index].phase == .ordered else { return }
        withoutRunner.remove(agent)
        record.members[index].phase = .ready
    }

    /// Whether every agent is ready and within reach.
    var canStart: Bool {
        record.state == .preparing && withoutRunner.isEmpty && members.allSatisfy { $0.phase == .ready && !$0.silent }
    }

    /// Sets the start: the agents are told.
    ///
    /// - Parameter errors: How far each agent's clock may be off, in seconds.
    mutating func begin(at start: Instant, wall: Double, errors: [String: Double]) {
        record.state = .running
        record.start = start
        record.startedAt = wall
        for index in members.indices {
            record.members[index].phase = .starting
            record.members[index].clockError = errors[members[index].agent]
            send(members[index].agent, .start(at: start))
        }
    }

    /// Sets another start: that one would have been over before the agents had heard of it.
    mutating func putOff(to start: Instant, wall: Double) {
        guard record.state == .running else { return }
        record.start = start
        record.startedAt = wall
        for member in members where member.phase == .starting { send(member.agent, .start(at: start)) }
        event("note", "the start is put off: the master's storage is slow")
    }

    /// Lets a change of the number of users take effect later: its instant would be over before the agents had heard of it.
    ///
    /// - Parameter old: On the master's clock, in nanoseconds.
    mutating func putOff(adjustmentAt old: Int64, to instant: Instant) {
        let before = seconds(Instant(nanoseconds: old))
        for index in members.indices where !members[index].isDone && members[index].adjustment?.at == old {
            record.members[index].adjustment!.at = instant.nanoseconds
            send(members[index].agent, .adjust(members[index].adjustment!))
        }
        saidOff(before, instant)
    }

    /// It cannot be run: nothing was started, and nothing will be.
    mutating func refuse(code: Int, _ message: String) {
        guard !record.isOver else { return }
        if !tearDown(refusal: RunRecord.Refusal(code: code, message: message)) {
            record.state = .refused(code: code, message: message)
            event("refused", message)
        }
        for index in members.indices where !members[index].isDone {
            send(members[index].agent, .stop(abort: true, reason: message))
        }
    }

    /// An agent will not run it.
    mutating func refused(by agent: String, code: Int, _ message: String) {
        guard let index = index(agent), !members[index].isDone else { return }
        let lastData = members[index].missing?.from ?? 0
        let who = members.count > 1 ? "\(members[index].name): " : ""
        record.members[index].phase = .finished
        switch record.state {
        case .preparing: refuse(code: code, who + message)
        case .running, .stopping:
            // Told to start and yet refused: that is a hole in the run.
            let words = message.split(maxSplits: 1, whereSeparator: \.isNewline).map(String.init)
            let crash = RunnerCrash(
                reason: words.first ?? "", output: words.count > 1 ? words[1] : "", unreportedStarted: 0,
                unreportedEnded: 0, unreportedHits: 0)
            crashed(index, crash, lastData: lastData)
            finishIfDone()
        default: break
        }
    }

    /// An agent is gone before the start: the run goes back into the queue, to be given to those that are left.
    ///
    /// They get it as a new attempt, under another name: they may have users prepared for the old share.
    ///
    /// - Parameter mayPrepareAgain: Whether the agent is there again, so that it may be among them.
    mutating func leftBeforeStart(_ index: Int, _ reason: String, mayPrepareAgain: Bool = false) {
        let reason = "\(members[index].name) was lost before the start: \(reason)"
        record.members[index].phase = .lost
        if !mayPrepareAgain { shunned[members[index].agent] = members[index].epoch }
        for member in members where !member.isDone {
            send(member.agent, .drop(run: record.agentRun, reason: reason))
        }
        record.members = []
        renew()
        record.state = .queued
        lostBeforeStart = reason
        event("agent-lost", "\(reason); the run is planned anew")
    }

    /// Takes the next name for the agents.
    mutating func renew() { record.attempt += 1 }
}

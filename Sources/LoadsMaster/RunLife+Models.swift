import LoadsCore
import LoadsEventLoop
import LoadsWire

/// Plans of stages and of arrivals change as a whole: each agent is told what the plan is from an instant on.
extension RunLife {
    /// Changes the load on all agents at one instant.
    ///
    /// - Returns: Why it cannot be.
    mutating func adjust(to load: RunModels.Load, at instant: Instant) -> WireFault? {
        let plan = record.submission.order.plan
        if case .mix = plan.model {
            return WireFault(
                code: "state",
                message: "the run \(record.run) is a mix, whose load cannot be changed: stop it "
                    + "(`loads stop \(record.run)`) and start another")
        }
        guard !plan.cycles.isEmpty else { return change(to: load, at: instant, plan.length ?? .zero) }
        guard case .users(let users) = load else {
            return WireFault(
                code: "state",
                message: "the run \(record.run) has users, not a rate: `loads adjust \(record.run) -c 200`")
        }
        return adjust(users: users, at: instant)
    }

    private mutating func change(to load: RunModels.Load, at instant: Instant, _ length: Duration) -> WireFault? {
        guard record.state == .running, let start = record.start else {
            return WireFault(code: "state", message: "the run \(record.run) is not running: nothing to adjust")
        }
        let time = instant.nanoseconds(since: start)
        guard time < length.wholeNanoseconds else {
            return WireFault(code: "state", message: "the plan of the run \(record.run) is over: nothing to adjust")
        }
        let running = self.running
        guard !running.isEmpty else {
            return WireFault(code: "state", message: "no agent of the run \(record.run) is running")
        }
        let plan = record.submission.order.plan
        guard let models = RunModels.changed(running.map { model(of: $0) }, of: plan, to: load, from: time) else {
            let isOpen = record.submission.order.plan.isOpen
            return WireFault(
                code: "state",
                message: "the run \(record.run) has \(isOpen ? "a rate, not users" : "users, not a rate"): "
                    + "`loads adjust \(record.run) \(isOpen ? "--rate 800/s" : "-c 200")`")
        }
        give(models, to: running, from: time, at: instant)
        switch load {
        case .rate(let rate):
            record.changes.append(UserChange(at: elapsed(instant), rate: rate))
            event("adjusted", "\(rate.text) from \(seconds(instant)) s on")
        case .users(let users):
            record.changes.append(UserChange(at: elapsed(instant), users: users))
            event("adjusted", "\(Counted.text(users, "user")) from \(seconds(instant)) s on")
        }
        return nil
    }

    /// What each agent was told of the load last.
    var adjustments: [String: Adjustment] {
        Dictionary(
            members.compactMap { member in member.adjustment.map { (member.agent, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Lets a change of the model take effect later: its instant would be over before the agents had heard of it. Where the
    /// plan is over by then, nothing changes.
    ///
    /// - Parameters:
    ///   - old: When it was to be, on the master's clock, in nanoseconds.
    ///   - before: What each agent went by before it.
    mutating func putOff(
        changeAt old: Int64, to instant: Instant, _ load: RunModels.Load, before: [String: Adjustment]
    ) {
        guard let start = record.start else { return }
        let earlier = seconds(Instant(nanoseconds: old))
        let time = instant.nanoseconds(since: start)
        let isInTime = time < (record.submission.order.plan.length ?? .zero).wholeNanoseconds
        let told = members.indices.filter { !members[$0].isDone && members[$0].adjustment?.at == old }
        let given = told.map { members[$0].adjustment!.firstNewUser }
        for index in told { record.members[index].adjustment = before[members[index].agent] }
        let plan = record.submission.order.plan
        // All of them at once: what a rate needs is shared among them.
        let changed = RunModels.changed(told.map { model(of: $0) }, of: plan, to: load, from: time)
        if isInTime, let changed {
            for (place, index) in told.enumerated() {
                give(changed[place], to: index, firstNewUser: given[place], from: time, at: instant)
            }
        }
        if isInTime {
            saidOff(earlier, instant)
        } else {
            if !record.changes.isEmpty { record.changes.removeLast() }
            event("note", "the change at \(earlier) s is not made: the master's storage was slow, and the plan is over")
        }
    }

    /// The last change that somebody asked for was put off.
    mutating func saidOff(_ before: String, _ instant: Instant) {
        if let last = record.changes.indices.last { record.changes[last].at = elapsed(instant) }
        event("note", "the change at \(before) s is put off to \(seconds(instant)) s: the master's storage is slow")
    }

    /// Gives what an agent had, in a plan of stages or arrivals, to the others.
    ///
    /// - Returns: False when nobody is there to take it, or the plan is another one.
    mutating func inherit(from index: Int, at instant: Instant) -> Bool {
        let heirs = running.filter { $0 != index }
        guard !heirs.isEmpty, let start = record.start else { return false }
        let models = zip(heirs, weights(heirs.map { members[$0].cores })).map { (model: model(of: $0), weight: $1) }
        guard let inherited = RunModels.inherited(models, of: model(of: index)) else { return false }
        give(inherited, to: heirs, from: max(0, instant.nanoseconds(since: start)), at: instant)
        return true
    }

    /// Those that can be given users: one whose users were given to others is about to end.
    var running: [Int] {
        members.indices.filter { index in
            let member = members[index]
            return !member.released && (member.phase == .starting || member.phase == .running)
        }
    }

    /// What an agent goes by now.
    private func model(of index: Int) -> LoadModel {
        members[index].adjustment?.change?.model ?? plan(of: members[index].agent)!.model
    }

    private mutating func give(_ models: [LoadModel], to indices: [Int], from time: Int64, at instant: Instant) {
        for (index, model) in zip(indices, models) {
            let first = record.nextUser
            if case .arrivals = model { record.nextUser += Plan(model: model).peakUsers }
            give(model, to: index, firstNewUser: first, from: time, at: instant)
        }
    }

    private mutating func give(
        _ model: LoadModel, to index: Int, firstNewUser: Int, from time: Int64, at instant: Instant
    ) {
        let users = Plan(model: model).peakUsers
        let adjustment = Adjustment(
            users: users, firstNewUser: firstNewUser, at: instant.nanoseconds,
            change: Adjustment.Change(model: model, from: time))
        record.members[index].users = users
        record.members[index].peakUsers = max(members[index].peakUsers, users)
        record.members[index].adjustment = adjustment
        send(members[index].agent, .adjust(adjustment))
    }
}

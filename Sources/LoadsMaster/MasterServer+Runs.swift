public import LoadsCore
import LoadsEventLoop
import LoadsTransport
public import LoadsWire

extension MasterServer {
    // MARK: For whoever embeds a master

    /// Carries a run out, and returns when it is over and stored.
    public func run(_ request: RunRequest, observer: any RunObserver) async -> RunOutcome {
        let submission = RunSubmission(
            run: request.id, target: request.target, isURLTarget: request.isURLTarget, launch: request.launch,
            order: request.order, placement: request.placement, thresholds: request.thresholds)
        do throws(WireFault) {
            try submit(submission, observer: observer)
        } catch {
            return .refused(code: 64, message: error.message)
        }
        return await outcome(of: request.id)
            ?? .refused(code: 70, message: "the master was closed before the run had ended")
    }

    /// Queues a run. The same run again is the same run.
    ///
    /// - Returns: The hashes of the files that are to be uploaded first.
    /// - Throws: ``WireFault`` when it cannot be run.
    @discardableResult
    public func submit(_ submission: RunSubmission, observer: (any RunObserver)? = nil) throws(WireFault) -> [String] {
        if let known = byID[submission.run] {
            guard known.record.submission == submission else {
                throw WireFault(code: "duplicate", message: "there is another run \(submission.run) already")
            }
            return known.missingFiles.sorted()
        }
        guard again[submission.run] == nil, !history.contains(where: { $0.run == submission.run }) else {
            throw WireFault(code: "duplicate", message: "there was a run \(submission.run) already")
        }
        if let problem = submission.problem() { throw WireFault(code: "malformed", message: problem) }
        guard runs.count(where: { !$0.record.isOver }) < Self.openLimit else {
            throw WireFault(code: "full", message: "\(Self.openLimit) runs are waiting already")
        }
        let inUse = Dictionary(
            runs.filter { !$0.record.isOver }.flatMap { $0.record.submission.launch.files.map { ($0.hash, $0.bytes) } },
            uniquingKeysWith: { first, _ in first })
        try files.check(submission.launch.files, inUse: inUse)
        let missing = submission.launch.files.filter { !files.has($0) }
        try files.makeRoom(for: submission.launch.files, inUse: Set(inUse.keys))
        for file in submission.launch.files { files.expect(file) }
        let run = ActiveRun(life: RunLife(submission: submission, at: Instant.wallTime))
        run.missingFiles = Set(missing.map(\.hash))
        if let observer {
            run.observer = ObserverQueue(observer)
            run.merged.isObserved = true
        }
        runs.append(run)
        byID[run.id] = run
        updateWants(run)
        perform(run)
        schedule()
        return run.missingFiles.sorted()
    }

    /// What came of a run, once it is over and stored; nil when it is not known.
    public func outcome(of run: String) async -> RunOutcome? {
        guard let active = byID[run] else {
            guard let stored = try? await storage.run(run) else { return nil }
            return ActiveRun(restoring: stored, log: []).outcome
        }
        await withCheckedContinuation { continuation in
            // Looked at here: before it there may have been a suspension.
            if active.isSettled || isClosed { continuation.resume() } else { active.waiters.append(continuation) }
        }
        await active.observer?.finish()
        return active.outcome
    }

    /// Ends a run gracefully. From any thread.
    public nonisolated func stop(_ run: String) {
        loop.submit { self.assumeIsolated { _ = $0.stop(run, abort: false, by: "interrupted") } }
    }

    /// Ends a run at once. From any thread.
    public nonisolated func abort(_ run: String) {
        loop.submit { self.assumeIsolated { _ = $0.stop(run, abort: true, by: "interrupted") } }
    }

    static let openLimit = 1000

    // MARK: Inside

    @discardableResult
    func stop(_ run: String, abort: Bool, by reason: String = "stopped") -> WireFault? {
        guard let active = byID[run] else { return absent(run) }
        if active.record.isOver { return Self.endedRun(run) }
        active.life.stop(abort: abort, reason: reason)
        perform(active)
        schedule()
        return nil
    }

    /// Why nothing can be done with a run that is not in memory.
    private func absent(_ run: String) -> WireFault {
        history.contains { $0.run == run } ? Self.endedRun(run) : Self.unknownRun(run)
    }

    func adjust(_ run: String, to load: RunModels.Load) -> WireFault? {
        guard let active = byID[run] else { return absent(run) }
        let lead = adjustmentLead(of: active)
        let instant = Instant.now.advanced(by: lead.whole)
        let before = active.life.adjustments
        let fault = active.life.adjust(to: load, at: instant)
        if fault == nil {
            active.unsent = ActiveRun.UnsentChange(at: instant.nanoseconds, lead: lead, load: load, before: before)
        }
        perform(active)
        return fault
    }

    /// When a change can take effect on all agents of a run: far enough ahead for the one whose clock is known worst.
    func nextAdjustment(of run: ActiveRun) -> Instant { .now.advanced(by: adjustmentLead(of: run).whole) }

    private func adjustmentLead(of run: ActiveRun) -> Lead {
        Lead(promised: settings.adjustLead + .seconds(clockError(run)))
    }

    @discardableResult
    func restore(_ stored: StoredRun, _ log: [LogEntry]) -> ActiveRun {
        var stored = stored
        let now = Instant.now
        if let start = stored.record.start, let startedAt = stored.record.startedAt {
            // After a restart of the machine its monotonic clock is another.
            let elapsed = max(0, Instant.wallTime - startedAt)
            if abs(Double(now.nanoseconds(since: start)) / 1e9 - elapsed) > 60 {
                let moved = now.advanced(by: .seconds(-elapsed))
                stored.record.start = moved
                for index in stored.record.members.indices {
                    stored.record.members[index].adjustment?.at += moved.nanoseconds(since: start)
                }
            }
        }
        let run = ActiveRun(restoring: stored, log: log)
        try? files.check(stored.record.submission.launch.files)
        run.missingFiles = Set(
            stored.record.submission.launch.files.filter { !files.has($0) }.map(\.hash))
        if stored.record.state == .queued {
            for file in stored.record.submission.launch.files { files.expect(file) }
        } else {
            run.missingFiles = []
        }
        runs.append(run)
        byID[run.id] = run
        if run.record.attempt > 0 { again[run.record.agentRun] = run }
        for member in stored.record.members where !member.isDone {
            registry.expect(id: member.agent, name: member.name, epoch: member.epoch, at: now)
        }
        updateWants(run)
        settings.log(.notice, "the run \(run.id) goes on")
        return run
    }

    /// Gives queued runs to agents, the oldest first. One that must wait for busy agents keeps them from later runs.
    func schedule() {
        let waiting = runs.filter {
            $0.record.state == .queued && $0.missingFiles.isEmpty && !$0.life.isSettingUp
        }
        guard !waiting.isEmpty, !isClosed else { return }
        let present = registry.agents.values.filter { $0.presence == .present && $0.peer != nil && !$0.isLeaving }
        var busy = Set(
            runs.filter { !$0.record.isOver }.flatMap { $0.life.members.filter { !$0.isDone }.map(\.agent) })
        for run in waiting {
            let candidates = present.filter { run.life.shunned[$0.hello.agent] != $0.epoch }
            switch AgentChoice.choose(run.record.submission, among: candidates, busy: busy) {
            case .chosen(let ids, let notes):
                if run.record.attempt > 0 {
                    while byID[run.record.agentRun] != nil { run.life.renew() }
                    again[run.record.agentRun] = run
                }
                for note in notes { run.life.event("note", note) }
                run.life.place(on: ids.map { registry[$0]! })
                for member in run.life.members { run.intake.admit(member.source) }
                busy.formUnion(ids)
            case .wait(let what, _) where run.life.lostBeforeStart != nil:
                run.life.refuse(
                    code: 70,
                    "\(run.life.lostBeforeStart!). It cannot be run by those that are left (\(what)): start it again")
            case .wait(let what, let reserved):
                busy.formUnion(reserved)
                // An agent that connects a moment later is the ordinary case: a word is due only when it goes on.
                let what = what + ahead(of: run, on: reserved)
                if run.waitsFor != what, Instant.wallTime - run.record.submittedAt > 0.5 {
                    run.waitsFor = what
                    run.life.event("queued", what)
                }
            case .refuse(let reason): run.life.refuse(code: 69, reason)
            }
            perform(run)
        }
    }

    /// Which runs have the agents that another one waits for, in words.
    private func ahead(of waiting: ActiveRun, on agents: Set<String>) -> String {
        let ahead = runs.filter { run in
            run !== waiting && !run.record.isOver
                && run.life.members.contains { !$0.isDone && agents.contains($0.agent) }
        }
        let names = ahead.prefix(5).map(\.id).joined(separator: ", ")
        return ahead.isEmpty ? "" : ", behind " + names + (ahead.count > 5 ? " and \(ahead.count - 5) more" : "")
    }

    /// Starts a run whose agents are all ready and whose clocks are known.
    func startIfReady(_ run: ActiveRun) {
        // Agents are told of a start that is stored, and not before.
        guard run.life.canStart, storageFault == nil else { return }
        var errors: [String: Double] = [:]
        for member in run.life.members {
            guard let agent = registry[member.agent], agent.epoch == member.epoch, let error = agent.clock.error
            else { return }
            errors[member.agent] = Double(error) / 1e9
        }
        let lead = Lead(
            promised: settings.startLead + .seconds(settings.sharedClock ? 0 : errors.values.max() ?? 0))
        run.lead = lead
        run.life.begin(
            at: .now.advanced(by: lead.whole), wall: Instant.wallTime + lead.whole.inSeconds, errors: errors)
        perform(run)
    }

    /// Whether a start that nobody has heard of is too close; then another one is set, further ahead each time.
    private func putOff(_ start: Instant, of run: ActiveRun) -> Bool {
        guard var lead = run.lead else { return false }
        if lead.isKept(.nanoseconds(start.nanoseconds(since: .now))) {
            run.lead = nil
            return false
        }
        lead.lengthen()
        run.lead = lead
        run.life.putOff(to: .now.advanced(by: lead.whole), wall: Instant.wallTime + lead.whole.inSeconds)
        return true
    }

    /// Whether a change that no agent has heard of is too close; then it takes effect later.
    private func putOff(_ adjustment: Adjustment, of run: ActiveRun) -> Bool {
        guard var unsent = run.unsent, unsent.at == adjustment.at else { return false }
        if unsent.lead.isKept(.nanoseconds(Instant(nanoseconds: adjustment.at).nanoseconds(since: .now))) {
            run.unsent = nil
            return false
        }
        unsent.lead.lengthen()
        let later = Instant.now.advanced(by: unsent.lead.whole)
        if adjustment.change == nil {
            run.life.putOff(adjustmentAt: adjustment.at, to: later)
        } else {
            run.life.putOff(changeAt: adjustment.at, to: later, unsent.load, before: unsent.before)
        }
        unsent.at = later.nanoseconds
        run.unsent = unsent
        perform(run)
        return true
    }

    private func clockError(_ run: ActiveRun) -> Double { run.life.members.compactMap(\.clockError).max() ?? 0 }

    /// Does what a run's life asks for, and sees to its storing.
    func perform(_ run: ActiveRun) {
        let actions = run.life.takeActions()
        for action in actions {
            switch action {
            case .event(let event): record(event, of: run)
            case .send(let agent, .stop(let abort, let reason)):
                // At once, even if the disk is full; what it makes void is not sent any more.
                run.void(ordersFor: agent)
                if let member = run.life.member(agent) {
                    tell(member, .stop(run: run.record.agentRun, abort: abort, reason: reason))
                }
            case .send(let agent, .drop(let name, let reason)):
                run.void(ordersFor: agent)
                if let peer = registry[agent]?.peer { tell(peer, .stop(run: name, abort: true, reason: reason)) }
            case .send(let agent, let order): run.deferred.append(.order(agent: agent, order))
            case .once(let phase): submitOnce(phase, for: run)
            case .endOnce:
                if let child = run.record.setUp?.child { stop(child, abort: true) }
            }
        }
        guard !actions.isEmpty else { return }
        run.isDirty = true
        flush()
    }

    /// Sends an order that is stored.
    func carryOut(_ order: RunLife.Order, for agent: String, of run: ActiveRun) {
        guard let member = run.life.member(agent), !run.record.isOver else { return }
        let name = run.record.agentRun
        switch order {
        case .prepare:
            guard run.record.state == .preparing, let plan = run.life.plan(of: agent) else { return }
            var order = run.record.submission.order
            order.plan = plan
            order.plan.rawHits = run.sendsHits
            order.waits = true
            if order.phase == .run { order.value = run.record.setUp?.value }
            tell(member, .run(AgentOrder(run: name, launch: run.record.submission.launch, order: order)))
        case .start(let start):
            guard run.record.state == .running, run.record.start == start, !putOff(start, of: run),
                let clock = clock(of: agent, for: order, run)
            else { return }
            tell(member, .start(run: name, at: clock.agentTime(start)))
        case .adjust(var adjustment):
            // One that is not the last any more was put off, or changed again: that order follows.
            guard run.record.state == .running, member.adjustment == adjustment, !putOff(adjustment, of: run),
                let clock = clock(of: agent, for: order, run)
            else { return }
            adjustment.at = clock.agentTime(Instant(nanoseconds: adjustment.at))
            tell(member, .adjust(run: name, adjustment))
        case .stop, .drop: break
        }
    }

    /// An agent's clock. One that is not known yet, after a restart of the master, will be after the agent's first beat:
    /// the order waits for it.
    private func clock(of agent: String, for order: RunLife.Order, _ run: ActiveRun) -> ClockOffset? {
        guard let clock = registry[agent]?.clock, clock.error != nil else {
            // The last change counts, and says all that there is to say.
            if case .adjust = order {
                run.untimed.removeAll { if case (agent, .adjust) = $0 { true } else { false } }
            }
            run.untimed.append((agent, order))
            return nil
        }
        return clock
    }

    private func record(_ event: RunEvent, of run: ActiveRun) {
        let event = run.log.append(event, at: Instant.wallTime)
        publish(.events, of: run, .event(event))
        settings.log(.info, "run \(run.id): \(event.text)")
        if let parent = run.record.parent.flatMap({ byID[$0] }), event.kind == "note" || run.waitsFor == event.text {
            // Nobody watches it but who watches the run that it is for.
            parent.life.event("note", "\(run.record.submission.target): \(event.text)")
            perform(parent)
        }
        guard let observer = run.observer else { return }
        switch event.kind {
        case "started": observer.started()
        case "set-up", "tear-down", "tear-down-failed", "note", "adjusted", "agent-silent", "agent-back", "agent-lost",
            "hits-dropped", "disk-full", "threshold":
            observer.noted(event.text)
        case "queued" where run.waitsFor != "": observer.noted(event.text)
        case "crashed" where run.life.members.count > 1: observer.noted(event.text)
        default: break
        }
    }

    /// A run's end is stored: tells whoever waits for it, and lets go of old runs.
    func settle(_ run: ActiveRun, wakeOnly: Bool = false) {
        if !wakeOnly {
            run.isSettled = true
            run.beatsUntil = Instant.now.advanced(by: Publisher.farewell)
        }
        let waiters = run.waiters
        run.waiters = []
        for waiter in waiters { waiter.resume() }
        guard !wakeOnly else { return }
        tellParent(of: run.record)
        // By when they ended, like the storage: one that took a day is not the oldest.
        let over = runs.filter(\.isSettled).sorted { ($0.beatsUntil ?? .now) < ($1.beatsUntil ?? .now) }
        for old in over.prefix(max(0, over.count - settings.keptRuns)) {
            history.append(old.record.status(old.merged.total, elapsed: old.record.duration))
            byID[old.id] = nil
            again[old.record.agentRun] = nil
            runs.removeAll { $0 === old }
            publisher.forget(old.id)
        }
        history.removeFirst(max(0, history.count - historyLimit))
        settings.releaseMemory()
        schedule()
    }
}

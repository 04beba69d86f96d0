import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire

/// A run in a master's memory: all that is known of it. Confined to the master's loop.
final class ActiveRun {
    /// What is done once the commit that holds its reason has succeeded.
    enum Deferred {
        case order(agent: String, RunLife.Order)
        case answer(Peer, ClientAnswer)
    }

    /// A change of the load that somebody asked for, until agents may know of it.
    struct UnsentChange {
        /// Its instant, in nanoseconds, and how far ahead that was set.
        var at: Int64
        var lead: Lead
        var load: RunModels.Load
        /// What each agent went by before.
        let before: [String: Adjustment]
    }

    var life: RunLife
    var intake = Intake()
    var merged: MergedRun
    var log: RunLog
    /// Files that are to be uploaded first.
    var missingFiles: Set<String> = []
    /// Whether the record or the log has changed since the last commit.
    var isDirty = true
    var deferred: [Deferred] = []
    /// Orders with a point in time for agents whose clocks are not known yet.
    var untimed: [(agent: String, order: RunLife.Order)] = []
    /// How far ahead the start was set; nil before it, and once an agent may know of it.
    var lead: Lead?
    /// A change of the load that no agent has heard of; nil without one.
    var unsent: UnsentChange?
    /// It was told that results wait on its agents.
    var isBehind = false
    /// What the run said that it waits for.
    var waitsFor = ""
    /// Whether its agents were told to send every hit.
    var sendsHits = false
    var hitsToKeep: [(agent: String, hits: [RawHit])] = []
    var waitingHits = 0
    /// The last hits that were to be kept could not be.
    var losesHits = false
    /// It is in the storage: agents may know of it.
    var isStored = false
    /// The end is stored, and whoever waits for it was told.
    var isSettled = false
    /// Until when its topics beat, once it is settled.
    var beatsUntil: Instant?
    var waiters: [CheckedContinuation<Void, Never>] = []
    var observer: ObserverQueue?
    var meter: ProgressMeter

    init(life: RunLife) {
        self.life = life
        let plan = life.record.submission.order.plan
        merged = MergedRun(maxNames: plan.maxNames)
        merged.judge = ThresholdJudge(life.record.submission.thresholds, plan)
        log = RunLog()
        meter = ProgressMeter(plan: plan)
    }

    /// A run as it was stored.
    init(restoring stored: StoredRun, log entries: [LogEntry]) {
        life = RunLife(restoring: stored.record)
        let plan = stored.record.submission.order.plan
        var parts: [Intake.Source: MergedRun.Part] = [:]
        for part in stored.parts {
            let source =
                stored.record.members.map(\.source).first { $0.agent == part.agent && $0.storedEpoch == part.epoch }
                ?? Intake.Source(agent: part.agent, epoch: part.epoch)
            intake.admit(source, stored: part.sequence)
            parts[source] = MergedRun.Part(statistics: part.statistics, hits: part.hits, lastData: part.lastData)
        }
        for member in stored.record.members { intake.admit(member.source) }
        merged = MergedRun(maxNames: plan.maxNames, total: stored.total, parts: parts)
        if !stored.record.isOver {
            merged.judge = ThresholdJudge(stored.record.submission.thresholds, plan)
        }
        log = RunLog(count: stored.record.events, dropped: stored.record.droppedEvents, entries: entries)
        meter = ProgressMeter(plan: plan)
        meter.start(from: stored.total)
        isDirty = false
        isStored = true
        isSettled = stored.record.isOver
    }

    var record: RunRecord { life.record }
    var id: String { life.record.run }

    /// What an agent was to be told is not sent any more.
    func void(ordersFor agent: String) {
        deferred.removeAll { if case .order(agent, _) = $0 { true } else { false } }
        untimed.removeAll { $0.agent == agent }
    }

    /// The orders that waited for an agent's clock.
    func takeUntimed(_ agent: String) -> [RunLife.Order] {
        guard !untimed.isEmpty else { return [] }
        defer { untimed.removeAll { $0.agent == agent } }
        return untimed.filter { $0.agent == agent }.map(\.order)
    }

    /// Seconds since the start: to the end if there is one, 0 before the start.
    func elapsed(at now: Instant) -> Double {
        if record.isOver { return record.duration }
        return record.start.map { max(0, Double(now.nanoseconds(since: $0)) / 1e9) } ?? 0
    }

    func lastData(_ agent: String) -> Double {
        life.member(agent).map { merged.lastData($0.source) } ?? 0
    }

    /// What each agent did.
    var shares: [AgentShare] {
        record.members.map { member in
            var share = AgentShare(id: member.agent, name: member.name, users: member.peakUsers)
            if let part = merged.parts[member.source] {
                share.hits = part.hits
                share.iterations = part.statistics.iterations
                share.droppedHits = part.statistics.health.droppedHits
                share.usage = AgentShare.Usage(
                    cores: member.cores, seconds: part.lastData, cpuSeconds: part.statistics.health.cpuSeconds,
                    waitedSeconds: Double(part.statistics.health.lag.waited) / 1e9,
                    heldSeconds: Double(part.statistics.health.lag.held) / 1e9)
            }
            share.state = member.state
            share.missing = member.allMissing
            share.startSkew = member.startSkew
            share.clockError = member.clockError
            return share
        }
    }

    func snapshot(boot: String, sequences: [String: UInt64], at now: Instant) -> RunSnapshot {
        var snapshot = RunSnapshot(
            boot: boot, submission: record.submission, state: record.state, startedAt: record.startedAt,
            elapsed: elapsed(at: now), interrupted: record.interrupted, sequences: sequences,
            statistics: merged.total, agents: shares, crash: record.crash, thresholds: thresholds)
        if record.state == .queued, waitsFor != "" { snapshot.waitsFor = waitsFor }
        snapshot.stopped = life.stopReason
        snapshot.changes = record.changes
        snapshot.tearDownFailure = record.setUp?.failure
        return snapshot
    }

    /// What came of it; nil before its end.
    var outcome: RunOutcome? {
        switch record.state {
        case .refused(let code, let message): .refused(code: code, message: message)
        case .ended: .finished(summary)
        default: nil
        }
    }

    private var summary: Summary {
        var summary = Summary(
            id: id, target: record.submission.target, startedAt: record.startedAt ?? record.submittedAt,
            duration: record.duration, interrupted: record.interrupted, plan: record.submission.order.plan,
            statistics: merged.total, isURLTarget: record.submission.isURLTarget, crash: record.crash, agents: shares,
            thresholds: thresholds)
        summary.stopped = life.stopReason
        summary.changes = record.changes
        summary.tearDownFailure = record.setUp?.failure
        summary.isProgram = record.submission.launch.dialect == .lines
        return summary
    }
}

import LoadsCore
import LoadsEventLoop
import LoadsWire

/// Shows a run to an observer, and knows when a snapshot is needed. A pure structure but for the observer.
struct RunShow {
    private var follower: StreamFollower
    private let master: String
    private let observer: any RunObserver
    private var meter: ProgressMeter?
    /// What the run waits for, and for how many ticks already.
    private var queue: (reason: String, ticks: Int)?
    private var agents = 0
    /// What was said of agents that are silent, by agent, and the ticks since something was measured.
    private var silent: [String: String] = [:]
    private var idle = 0
    private var thresholds: [ThresholdResult] = []
    private var hasStarted = false
    /// Whether the observer was told what was before it.
    private var hasBacklog = false
    /// Wall time of the start, in seconds since 1970.
    private var startedAt: Double?
    private var isOver = false
    /// Ticks since something was heard.
    private var quiet = 0
    /// The first snapshot.
    private var base: RunSnapshot?
    private var seenHits = 0
    /// Hits seen that are not in the first snapshot.
    private var laterHits = 0
    /// When the first hit that was seen was made.
    private(set) var streamBegins: Double?
    /// A snapshot was asked for and has not come.
    private var isAwaiting = false
    /// What came before the first snapshot, or from a master that was started anew: it means something with one only.
    private var kept: [(message: StreamMessage, topic: StreamTopic)] = []
    /// Statistics that came while a snapshot was on its way, which may lack them.
    private var fresh: [(message: StreamMessage, statistics: Statistics, came: Double, to: Double)] = []
    /// The last message of the statistics that never came, and of which boot.
    private var hole: (boot: String, sequence: UInt64)?

    /// Messages that are kept while a snapshot is awaited; for more there is a gap, and another snapshot.
    private static let keptLimit = 1000

    /// A topic beats every second: after so many ticks of half a second the stream is out of reach, or the run over.
    private static let patience = 6
    /// After so many ticks in which nothing is measured it is said again for whom the run waits.
    private static let idlePatience = 20

    /// - Parameter master: How the user named it.
    init(run: String, master: String, observer: any RunObserver) {
        follower = StreamFollower(run: run)
        self.master = master
        self.observer = observer
    }

    /// Hits of a run that is over that were not seen, and that nobody else counts as dropped.
    ///
    /// - Parameter whole: Whether those of the time before the first snapshot count. If not, agents may have begun to send
    ///   hits a moment after it: then only a gap in the messages tells of missed ones, though not of how many.
    func missedHits(of final: RunSnapshot, whole: Bool) -> Int {
        guard !whole else { return max(0, Self.made(final) - seenHits) }
        guard let base else { return 0 }
        guard follower.missedHitMessages(from: base, to: final) > 0 else { return 0 }
        // What was in them nobody knows, they may have been beats: at most so many.
        return max(0, Self.made(final) - Self.made(base) - laterHits)
    }

    /// Hits of a run that is over that were made before the stream began.
    func earlierHits(of final: RunSnapshot, whole: Bool) -> Int {
        whole ? 0 : max(0, Self.made(final) - seenHits - missedHits(of: final, whole: false))
    }

    /// All that were made and not dropped; those of the warm-up are on the stream, too.
    private static func made(_ snapshot: RunSnapshot) -> Int {
        snapshot.statistics.allHitCount - snapshot.statistics.health.droppedHits
    }

    /// Whether hits that were published before a run's end may still come.
    func waitsForHits(of final: RunSnapshot) -> Bool { quiet < Self.patience && follower.lacksHits(of: final) }

    /// - Returns: Whether another snapshot is needed: this one is older than what was missed since.
    @discardableResult
    mutating func start(from snapshot: RunSnapshot) -> Bool {
        isAwaiting = false
        let (kept, fresh) = (self.kept, self.fresh)
        (self.kept, self.fresh) = ([], [])
        follower.start(from: snapshot)
        if base == nil { base = snapshot }
        quiet = 0
        var meter = self.meter ?? ProgressMeter(plan: snapshot.submission.order.plan)
        meter.take(snapshot.changes)
        meter.start(from: snapshot.statistics, at: snapshot.elapsed)
        self.meter = meter
        agents = snapshot.agents.count
        queue = snapshot.state == .queued ? snapshot.waitsFor.map { ($0, queue?.ticks ?? 0) } : nil
        if snapshot.state == .stopping { observer.stopping(snapshot.stopped ?? "stopped") }
        thresholds = snapshot.thresholds
        startedAt = snapshot.startedAt ?? startedAt
        begin(snapshot.startedAt != nil)
        // Once: at a later snapshot the observer has had most of it.
        if let startedAt, !hasBacklog, snapshot.statistics != Statistics() {
            observer.measured(
                MeasuredInterval(
                    statistics: snapshot.statistics, from: 0, to: snapshot.elapsed, startedAt: startedAt,
                    isBacklog: true))
        }
        hasBacklog = true
        let published = snapshot.sequences[StreamTopic.stats.rawValue] ?? 0
        for (message, statistics, came, to) in fresh
        where message.boot == snapshot.boot && message.sequence > published {
            self.meter?.take(statistics, at: came, of: to)
        }
        if let hole, hole.boot != snapshot.boot || hole.sequence <= published { self.hole = nil }
        var isWanted = hole != nil
        for (message, topic) in kept where message.boot == snapshot.boot {
            if hear(message, topic: topic) { isWanted = true }
        }
        if isWanted { isAwaiting = true }
        return isWanted
    }

    /// - Returns: Whether a snapshot is needed.
    mutating func take(_ message: StreamMessage, topic: StreamTopic) -> Bool {
        quiet = 0
        let isWanted = hear(message, topic: topic)
        if isWanted { isAwaiting = true }
        return isWanted
    }

    private mutating func keep(_ message: StreamMessage, _ topic: StreamTopic) {
        if kept.count < Self.keptLimit { kept.append((message, topic)) }
    }

    private mutating func hear(_ message: StreamMessage, topic: StreamTopic) -> Bool {
        guard meter != nil || topic == .hits else {
            keep(message, topic)
            return true
        }
        let missed = follower.missed[.stats, default: 0]
        let step = follower.take(message, topic: topic)
        let isGap = follower.missed[.stats, default: 0] > missed
        if isGap { hole = (message.boot, message.sequence - 1) }
        return show(step, message, topic) || isGap
    }

    /// - Returns: Whether a snapshot is needed.
    private mutating func show(_ step: StreamFollower.Step, _ message: StreamMessage, _ topic: StreamTopic) -> Bool {
        switch step {
        case .nothing: break
        case .stale:
            keep(message, topic)
            return true
        case .statistics(let statistics, let from, let to):
            begin(true)
            idle = 0
            // What is late is of an earlier second; how the run goes now is told by when it came.
            let now = max(to, message.time)
            if isAwaiting, fresh.count < Self.keptLimit { fresh.append((message, statistics, now, to)) }
            meter?.take(statistics, at: now, of: to)
            // Nobody says when the run started before it has: by this clock, and by how long it has run.
            let started = startedAt ?? Instant.wallTime - message.time
            startedAt = started
            observer.measured(MeasuredInterval(statistics: statistics, from: from, to: to, startedAt: started))
            if var progress = meter?.progress(at: now) {
                progress.thresholds = thresholds
                observer.progressed(progress)
            }
        case .thresholds(let results): thresholds = results
        case .hits(let hits):
            seenHits += hits.count
            if streamBegins == nil { streamBegins = hits.map(\.time).min() }
            if let base, message.boot != base.boot || message.sequence > base.sequences[topic.rawValue] ?? 0 {
                laterHits += hits.count
            }
            begin(true)
            observer.received(hits)
        case .event(let event):
            if event.kind == "started" { begin(true) }
            if event.kind == "stopping" { observer.stopping(event.text) }
            // What it waits for, and how many agents it has, is in the snapshot.
            if event.kind == "queued" || event.kind == "preparing" { return true }
            if event.isForPeople(agents: agents) { observer.noted(event.text) }
            if let agent = event.agent {
                silent[agent] = event.kind == "agent-silent" ? event.text : nil
            }
            // What the plan wants from then on, likewise.
            if event.kind == "adjusted" { return true }
            // Hits may still be on their way: the next tick asks.
            if event.isFinal { isOver = true }
        }
        return meter == nil
    }

    /// - Returns: Whether a snapshot is needed.
    mutating func tick() -> Bool {
        quiet += 1
        idle += 1
        if quiet >= Self.patience {
            observer.waiting("waiting for the master at \(master)", for: Double(quiet) / 2)
        } else if let queue {
            self.queue!.ticks += 1
            observer.waiting("queued: \(queue.reason)", for: Double(queue.ticks) / 2)
        } else if idle >= Self.idlePatience, let text = silent.min(by: { $0.key < $1.key })?.value {
            observer.waiting("nothing more is measured: \(text)", for: Double(idle) / 2)
        }
        let isWanted = isOver || meter == nil || quiet >= Self.patience
        if isWanted { isAwaiting = true }
        return isWanted
    }

    private mutating func begin(_ started: Bool) {
        guard started, !hasStarted else { return }
        hasStarted = true
        observer.started()
    }
}

extension RunEvent {
    fileprivate var isFinal: Bool { kind == "ended" || kind == "refused" }

    /// What happens in every run needs no line, nor what the summary says.
    fileprivate func isForPeople(agents: Int) -> Bool {
        if kind == "crashed" { return agents > 1 }
        return !["queued", "preparing", "started", "agent-ended", "ended", "refused", "stopping"].contains(kind)
    }
}

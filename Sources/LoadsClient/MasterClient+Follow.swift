import Glibc
public import LoadsCore
import LoadsEventLoop
public import LoadsWire

/// What a run left, and what the way lost.
public struct FollowedRun: Sendable {
    /// The master's own account, in which nothing is missing that it has.
    public var snapshot: RunSnapshot
    /// Hits that were made and never came, beside those that the snapshot counts as dropped.
    public var missedHits: Int
}

extension MasterClient {
    /// Follows a run to its end: what was before as a snapshot, then the stream.
    ///
    /// What is shown on the way may miss something; what is returned does not. A master that is away is waited for, for
    /// a little longer than its agents go on without it.
    ///
    /// - Parameters:
    ///   - hits: Whether every hit is wanted.
    ///   - whole: Whether hits that were made before this began count as missed.
    ///   - observer: Is told what happens.
    /// - Throws: ``ClientError``: `away` when the master does not come back, or what it says: it has never heard of the run.
    public func follow(
        run: String, hits: Bool = false, whole: Bool = false, observer: any RunObserver
    ) async throws(ClientError) -> FollowedRun {
        let topics: [StreamTopic] = hits ? [.stats, .events, .hits] : [.stats, .events]
        let heard = subscribe(run: run, topics: topics)
        let ticking = Task {
            while (try? await loop.sleep(for: .milliseconds(500))) != nil { tick(run: run) }
        }
        defer {
            ticking.cancel()
            unsubscribe(run: run, topics: topics)
        }
        var show = RunShow(run: run, master: address, observer: observer)
        var isAsking = false
        var final: RunSnapshot?
        for await sound in heard {
            let isWanted: Bool
            switch sound {
            case .said(let topic, let message): isWanted = show.take(message, topic: topic)
            case .tick: isWanted = show.tick()
            case .answered(let answer):
                isAsking = false
                isWanted = false
                let snapshot = try answer.get()
                if snapshot.state.isFinal { final = snapshot } else { show.start(from: snapshot) }
            }
            if let final {
                // The stream may be behind what the control channel says.
                if hits && show.waitsForHits(of: final) { continue }
                return FollowedRun(snapshot: final, missedHits: hits ? show.missedHits(of: final, whole: whole) : 0)
            }
            guard isWanted, !isAsking else { continue }
            isAsking = true
            // Beside the sounds: time goes by while the master is away.
            Task { await askSnapshot(run) }
        }
        throw ClientError(code: .noAnswer, message: "the conversation with the master was closed")
    }
}

extension MasterClient {
    /// How long a master may be away: agents without one go on for 120 s as a rule, and then have to be told of by it.
    private static let absence = Duration.seconds(180)

    private func askSnapshot(_ run: String) async {
        do throws(ClientError) {
            hear(.answered(.success(try await snapshot(run: run, limit: Self.absence))), run: run)
        } catch  where error.code == .noAnswer {
            let away = ClientError(
                code: .away,
                message: "the master at \(address) has not answered for \(Self.absence.components.seconds) s: what "
                    + "becomes of the run is not known here. Its agents deliver what they have once the master is back: "
                    + "`loads attach \(run)` shows it then")
            hear(.answered(.failure(away)), run: run)
        } catch {
            hear(.answered(.failure(error)), run: run)
        }
    }
}

/// Shows a run to an observer, and knows when a snapshot is needed. A pure structure but for the observer.
struct RunShow {
    private var follower: StreamFollower
    private let master: String
    private let observer: any RunObserver
    private var meter: ProgressMeter?
    /// What the run waits for, and for how many ticks already.
    private var queue: (reason: String, ticks: Int)?
    private var agents = 0
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

    /// A topic beats every second: after so many ticks of half a second the stream is out of reach, or the run over.
    private static let patience = 6

    /// - Parameter master: How the user named it.
    init(run: String, master: String, observer: any RunObserver) {
        follower = StreamFollower(run: run)
        self.master = master
        self.observer = observer
    }

    /// Hits of a run that is over that were not seen, and that nobody else counts as dropped.
    ///
    /// - Parameter whole: Whether those of the time before the first snapshot count.
    func missedHits(of final: RunSnapshot, whole: Bool) -> Int {
        let made = final.statistics.hitCount - final.statistics.health.droppedHits
        guard !whole, let base else { return max(0, made - seenHits) }
        return max(0, made - (base.statistics.hitCount - base.statistics.health.droppedHits) - laterHits)
    }

    /// Whether hits that were published before a run's end may still come.
    func waitsForHits(of final: RunSnapshot) -> Bool { quiet < Self.patience && follower.lacksHits(of: final) }

    mutating func start(from snapshot: RunSnapshot) {
        follower.start(from: snapshot)
        if base == nil { base = snapshot }
        quiet = 0
        var meter = self.meter ?? ProgressMeter(plan: snapshot.submission.order.plan)
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
    }

    /// - Returns: Whether a snapshot is needed.
    mutating func take(_ message: StreamMessage, topic: StreamTopic) -> Bool {
        quiet = 0
        guard meter != nil || topic == .hits else { return true }
        switch follower.take(message, topic: topic) {
        case .nothing: break
        case .stale: return true
        case .statistics(let statistics, let from, let to):
            begin(true)
            meter?.take(statistics, at: to)
            // Nobody says when the run started before it has: by this clock, and by how long it has run.
            let started = startedAt ?? Self.wallTime() - message.time
            startedAt = started
            observer.measured(MeasuredInterval(statistics: statistics, from: from, to: to, startedAt: started))
            if var progress = meter?.progress(at: to) {
                progress.thresholds = thresholds
                observer.progressed(progress)
            }
        case .thresholds(let results): thresholds = results
        case .hits(let hits):
            seenHits += hits.count
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
            // Hits may still be on their way: the next tick asks.
            if event.isFinal { isOver = true }
        }
        return meter == nil
    }

    /// - Returns: Whether a snapshot is needed.
    mutating func tick() -> Bool {
        quiet += 1
        if quiet >= Self.patience {
            observer.waiting("waiting for the master at \(master)", for: Double(quiet) / 2)
        } else if let queue {
            self.queue!.ticks += 1
            observer.waiting("queued: \(queue.reason)", for: Double(queue.ticks) / 2)
        }
        return isOver || meter == nil || quiet >= Self.patience
    }

    private static func wallTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private mutating func begin(_ started: Bool) {
        guard started, !hasStarted else { return }
        hasStarted = true
        observer.started()
    }
}

extension RunState {
    /// Nothing more will come.
    public var isFinal: Bool {
        switch self {
        case .ended, .refused: true
        case .queued, .preparing, .running, .stopping: false
        }
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

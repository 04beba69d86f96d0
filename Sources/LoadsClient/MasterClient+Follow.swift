public import LoadsCore
import LoadsEventLoop
public import LoadsWire

/// What a run left, and what the way lost.
public struct FollowedRun: Sendable {
    /// The master's own account, in which nothing is missing that it has.
    public var snapshot: RunSnapshot
    /// Messages of the stream with hits that never came.
    public var missedHitMessages: UInt64
}

extension MasterClient {
    /// Follows a run to its end: what was before as a snapshot, then the stream.
    ///
    /// What is shown on the way may miss something; what is returned does not.
    ///
    /// - Parameters:
    ///   - hits: Whether every hit is wanted.
    ///   - observer: Is told what happens.
    /// - Throws: ``ClientError`` when the master does not answer any more, or has never heard of the run.
    public func follow(
        run: String, hits: Bool = false, observer: any RunObserver
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
        var show = RunShow(run: run, observer: observer)
        for await sound in heard {
            let wanted =
                switch sound {
                case .said(let topic, let message): show.take(message, topic: topic)
                case .tick: show.tick()
                }
            guard wanted else { continue }
            let snapshot = try await snapshot(run: run)
            if snapshot.state.isFinal {
                return FollowedRun(snapshot: snapshot, missedHitMessages: show.missedHitMessages)
            }
            show.start(from: snapshot)
        }
        throw ClientError(code: .noAnswer, message: "the conversation with the master was closed")
    }
}

/// Shows a run to an observer, and knows when a snapshot is needed. A pure structure but for the observer.
struct RunShow {
    private var follower: StreamFollower
    private let observer: any RunObserver
    private var meter: ProgressMeter?
    private var thresholds: [ThresholdResult] = []
    private var hasStarted = false
    private var isOver = false
    /// Ticks since something was heard.
    private var quiet = 0

    /// A topic beats every second: after so many ticks of half a second the stream is out of reach, or the run over.
    private static let patience = 6

    init(run: String, observer: any RunObserver) {
        follower = StreamFollower(run: run)
        self.observer = observer
    }

    var missedHitMessages: UInt64 { follower.missed[.hits, default: 0] }

    mutating func start(from snapshot: RunSnapshot) {
        follower.start(from: snapshot)
        quiet = 0
        var meter = ProgressMeter(plan: snapshot.submission.order.plan)
        meter.start(from: snapshot.statistics)
        self.meter = meter
        thresholds = snapshot.thresholds
        begin(snapshot.startedAt != nil)
    }

    /// - Returns: Whether a snapshot is needed.
    mutating func take(_ message: StreamMessage, topic: StreamTopic) -> Bool {
        quiet = 0
        guard meter != nil else { return true }
        switch follower.take(message, topic: topic) {
        case .nothing: break
        case .stale: return true
        case .statistics(let statistics, let time):
            begin(true)
            meter?.take(statistics, at: time)
            if var progress = meter?.progress(at: time) {
                progress.thresholds = thresholds
                observer.progressed(progress)
            }
        case .thresholds(let results): thresholds = results
        case .hits(let hits): observer.received(hits)
        case .event(let event):
            if event.kind == "started" { begin(true) }
            if event.isForPeople { observer.noted(event.text) }
            // Hits may still be on their way: the next tick asks.
            if event.isFinal { isOver = true }
        }
        return false
    }

    /// - Returns: Whether a snapshot is needed.
    mutating func tick() -> Bool {
        quiet += 1
        return isOver || meter == nil || quiet >= Self.patience
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

    /// What happens in every run needs no line.
    fileprivate var isForPeople: Bool {
        !["queued", "preparing", "started", "agent-ended", "ended", "refused", "stopping"].contains(kind)
    }
}

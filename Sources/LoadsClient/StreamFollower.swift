import LoadsCore
import LoadsWire

/// A run as somebody sees it who starts from a snapshot and goes on with the stream. A pure structure.
///
/// Messages that the snapshot covers already are passed over; who misses one can tell by the sequence, which is counted
/// in ``missed``. A message of another boot of the master makes a new snapshot necessary.
struct StreamFollower {
    /// What a message means to the follower.
    enum Step: Equatable {
        case nothing
        case statistics(Statistics, at: Double)
        case hits([RawHit])
        case thresholds([ThresholdResult])
        case event(RunEvent)
        /// The master has started anew: ask for a snapshot and ``start(from:)`` it.
        case stale
    }

    private let run: String
    private var boot: String?
    private var sequences: [StreamTopic: UInt64] = [:]
    /// Messages that never came, by topic.
    private(set) var missed: [StreamTopic: UInt64] = [:]

    init(run: String) { self.run = run }

    /// What the snapshot has seen need not be seen again.
    mutating func start(from snapshot: RunSnapshot) {
        boot = snapshot.boot
        sequences = [:]
        for topic in StreamTopic.allCases { sequences[topic] = snapshot.sequences[topic.rawValue] ?? 0 }
    }

    mutating func take(_ message: StreamMessage, topic: StreamTopic) -> Step {
        guard message.run == run else { return .nothing }
        guard message.boot == boot else { return .stale }
        let last = sequences[topic, default: 0]
        guard message.sequence > last else { return .nothing }
        missed[topic, default: 0] += message.sequence - last - 1
        sequences[topic] = message.sequence
        switch message.content {
        case .hits(_, let hits): return .hits(hits)
        case .statistics(_, let to, let statistics): return .statistics(statistics, at: to)
        case .thresholds(let results): return .thresholds(results)
        case .event(let event): return .event(event)
        case .beat: return .nothing
        }
    }
}

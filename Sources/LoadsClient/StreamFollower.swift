import LoadsCore
import LoadsWire

/// A run as somebody sees it who starts from a snapshot and goes on with the stream. A pure structure.
///
/// Messages that the snapshot covers already are passed over; who misses one can tell by the sequence, which is counted
/// in ``missed``. A message of another boot of the master makes a new snapshot necessary.
///
/// Hits are in no snapshot: each message with hits counts, whatever the snapshot covers. A master that was restarted
/// publishes again what the one before had not stored; those are known by the number of their result.
struct StreamFollower {
    /// What a message means to the follower.
    enum Step: Equatable {
        case nothing
        case statistics(Statistics, from: Double, to: Double)
        case hits([RawHit])
        case thresholds([ThresholdResult])
        case event(RunEvent)
        /// The master has started anew: ask for a snapshot and ``start(from:)`` it.
        case stale
    }

    private struct Source: Hashable {
        var agent: String
        var epoch: String
    }

    private let run: String
    private var boot: String?
    private var sequences: [StreamTopic: UInt64] = [:]
    /// Where the topic of the hits is: its numbers go on whatever snapshots say.
    private var hits: (boot: String, sequence: UInt64)?
    /// The last result of each agent whose hits were seen.
    private var results: [Source: (sequence: UInt64, boot: String)] = [:]
    /// Messages that never came, by topic.
    private(set) var missed: [StreamTopic: UInt64] = [:]

    init(run: String) { self.run = run }

    /// What the snapshot has seen need not be seen again.
    mutating func start(from snapshot: RunSnapshot) {
        if boot != snapshot.boot { sequences = [:] }
        boot = snapshot.boot
        // What came while the snapshot was on its way need not come again either.
        for topic in StreamTopic.allCases {
            sequences[topic] = max(sequences[topic, default: 0], snapshot.sequences[topic.rawValue] ?? 0)
        }
    }

    /// Whether messages with hits that were published before a snapshot are still to come.
    func lacksHits(of snapshot: RunSnapshot) -> Bool {
        let published = snapshot.sequences[StreamTopic.hits.rawValue] ?? 0
        guard let hits, hits.boot == snapshot.boot else { return published > 0 }
        return hits.sequence < published
    }

    /// Messages on the topic of the hits that were published after this follower came, and never arrived.
    ///
    /// - Parameters:
    ///   - first: The snapshot that it began with.
    ///   - final: The one of the run's end.
    func missedHitMessages(from first: RunSnapshot, to final: RunSnapshot) -> UInt64 {
        let missed = missed[.hits, default: 0]
        let published = final.sequences[StreamTopic.hits.rawValue] ?? 0
        let known: UInt64
        if let hits {
            known = hits.boot == final.boot ? hits.sequence : 0
        } else {
            known = first.boot == final.boot ? first.sequences[StreamTopic.hits.rawValue] ?? 0 : 0
        }
        return missed + (published > known ? published - known : 0)
    }

    mutating func take(_ message: StreamMessage, topic: StreamTopic) -> Step {
        guard message.run == run else { return .nothing }
        if topic == .hits { return takeHits(message) }
        guard message.boot == boot else { return .stale }
        let last = sequences[topic, default: 0]
        guard message.sequence > last else { return .nothing }
        missed[topic, default: 0] += message.sequence - last - 1
        sequences[topic] = message.sequence
        switch message.content {
        case .statistics(let from, let to, let statistics): return .statistics(statistics, from: from, to: to)
        case .thresholds(let results): return .thresholds(results)
        case .event(let event): return .event(event)
        case .beat, .hits: return .nothing
        }
    }

    private mutating func takeHits(_ message: StreamMessage) -> Step {
        if let known = hits {
            // Another master counts from 1: what it published before this was heard was missed.
            let last = known.boot == message.boot ? known.sequence : 0
            guard message.sequence > last else { return .nothing }
            missed[.hits, default: 0] += message.sequence - last - 1
        }
        // What was published before the first that is heard was before this follower.
        hits = (message.boot, message.sequence)
        guard case .hits(let agent, let list) = message.content else { return .nothing }
        if let result = message.result {
            let source = Source(agent: agent, epoch: result.epoch)
            if let last = results[source] {
                // The hits of one result may come in several messages, from one master.
                let goesOn = result.sequence == last.sequence && message.boot == last.boot
                guard goesOn || result.sequence > last.sequence else { return .nothing }
            }
            results[source] = (result.sequence, message.boot)
        }
        return .hits(list)
    }
}

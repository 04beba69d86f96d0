import LoadsEventLoop
import LoadsWire

/// Numbers what is published, and knows who wants what. A pure structure.
///
/// Nothing is made for a topic to which nobody subscribes, and it takes no number.
struct Publisher {
    let boot: String
    /// The prefixes that are subscribed to.
    private var prefixes: Set<String> = []
    private var topics: [String: (sequence: UInt64, last: Instant)] = [:]

    /// An idle topic beats this often.
    static let beat = Duration.seconds(1)
    /// Topics beat for so long after the end of their run: who was too slow for the last messages finds that out.
    static let farewell = Duration.seconds(10)

    init(boot: String) { self.boot = boot }

    mutating func subscription(prefix: String, wanted: Bool) {
        if wanted { prefixes.insert(prefix) } else { prefixes.remove(prefix) }
    }

    func isWanted(_ topic: StreamTopic, of run: String) -> Bool {
        let frame = topic.frame(run: run)
        return prefixes.contains { frame.hasPrefix($0) }
    }

    /// The next message of a topic.
    mutating func message(
        _ topic: StreamTopic, of run: String, time: Double, at now: Instant, _ content: StreamMessage.Content
    ) -> StreamMessage {
        StreamMessage(
            run: run, boot: boot, sequence: next(topic, of: run, at: now), time: time, content: content)
    }

    /// The number of the next message of a topic.
    mutating func next(_ topic: StreamTopic, of run: String, at now: Instant) -> UInt64 {
        let frame = topic.frame(run: run)
        let sequence = (topics[frame]?.sequence ?? 0) + 1
        topics[frame] = (sequence, now)
        return sequence
    }

    /// The topics of a run that somebody listens to and that were idle for a second.
    func idle(_ run: String, at now: Instant) -> [StreamTopic] {
        StreamTopic.allCases.filter { topic in
            guard isWanted(topic, of: run) else { return false }
            guard let last = topics[topic.frame(run: run)]?.last else { return true }
            return last.advanced(by: Self.beat) <= now
        }
    }

    /// The last number of each topic of a run.
    func sequences(_ run: String) -> [String: UInt64] {
        var sequences: [String: UInt64] = [:]
        for topic in StreamTopic.allCases { sequences[topic.rawValue] = topics[topic.frame(run: run)]?.sequence ?? 0 }
        return sequences
    }

    mutating func forget(_ run: String) {
        for topic in StreamTopic.allCases { topics[topic.frame(run: run)] = nil }
    }
}

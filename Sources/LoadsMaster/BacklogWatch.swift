import LoadsEventLoop

/// Finds out that results wait on the agents: they are measured faster than the master, its disk or the network takes
/// them. A pure structure.
struct BacklogWatch {
    /// What an agent has not got rid of.
    struct Waiting: Equatable {
        var agent: String
        var messages: Int
        var bytes: Int
    }

    enum Change: Equatable {
        /// They have waited for a while, most on this agent.
        case behind(Waiting)
        case caughtUp
    }

    private var since: Instant?
    private var isBehind = false

    /// An agent that has so much waiting has more than it may send ahead.
    static let bytes = 16 << 20
    /// Or so long a time of batches.
    static let time = Duration.seconds(10)
    /// So few are what is just under way, however long they take.
    static let few = 4
    /// It takes a moment to get rid of what gathered in a cut.
    static let patience = Duration.seconds(5)

    /// - Parameters:
    ///   - agents: Those that can be reached.
    ///   - batchInterval: How often they have something to send.
    mutating func look(_ agents: [Waiting], batchInterval: Duration, at now: Instant) -> Change? {
        let messages = max(1, Int(Self.time / batchInterval))
        func load(_ waiting: Waiting) -> Double {
            max(Double(waiting.messages) / Double(messages), Double(waiting.bytes) / Double(Self.bytes))
        }
        if isBehind {
            let isHere = agents.allSatisfy { agent in
                agent.messages <= max(messages / 4, Self.few) && agent.bytes <= Self.bytes / 4
            }
            guard isHere else { return nil }
            isBehind = false
            since = nil
            return .caughtUp
        }
        guard let most = agents.max(by: { load($0) < load($1) }), load(most) >= 1 else {
            since = nil
            return nil
        }
        guard now >= (since ?? now).advanced(by: Self.patience) else {
            since = since ?? now
            return nil
        }
        isBehind = true
        return .behind(most)
    }
}

/// Who wants which prefixes of topics. A pure structure; it knows what became wanted or unwanted.
package struct SubscriptionTable<Subscriber: Hashable & Sendable>: Sendable {
    private var wanted: [Subscriber: Set<String>] = [:]
    private var counts: [String: Int] = [:]

    package init() {}

    /// The prefixes that somebody wants.
    package var prefixes: [String] { Array(counts.keys) }

    /// Notes a wish. Whether the subscriber is the prefix's first; a second wish of one subscriber changes nothing.
    package mutating func add(_ prefix: String, for subscriber: Subscriber) -> Bool {
        guard wanted[subscriber, default: []].insert(prefix).inserted else { return false }
        counts[prefix, default: 0] += 1
        return counts[prefix] == 1
    }

    /// Forgets a wish. Whether nobody wants the prefix any more.
    package mutating func remove(_ prefix: String, for subscriber: Subscriber) -> Bool {
        guard wanted[subscriber]?.remove(prefix) != nil else { return false }
        return release(prefix)
    }

    /// Forgets a subscriber; returns the prefixes that nobody wants any more.
    package mutating func removeAll(of subscriber: Subscriber) -> [String] {
        (wanted.removeValue(forKey: subscriber) ?? []).filter { release($0) }
    }

    /// The subscribers to any prefix of a topic, each once.
    package func subscribers(of topic: String) -> [Subscriber] {
        wanted.compactMap { subscriber, prefixes in
            prefixes.contains { topic.utf8.starts(with: $0.utf8) } ? subscriber : nil
        }
    }

    private mutating func release(_ prefix: String) -> Bool {
        guard let count = counts[prefix] else { return false }
        counts[prefix] = count > 1 ? count - 1 : nil
        return count == 1
    }
}

public import LoadsCore

/// Where a run's merged statistics are kept.
public protocol RunStorage: Sendable {
    /// Merges what one agent measured in one interval.
    ///
    /// - Parameter sequence: The batch's number; a storage takes each only once, and only in order.
    /// - Returns: Whether it was the next one and has been taken.
    func merge(run: String, agent: String, sequence: UInt64, _ statistics: Statistics) async -> Bool
    /// Everything merged so far.
    func statistics(run: String) async -> Statistics
}

/// Keeps the statistics of runs in memory, for as long as the process lives.
public actor MemoryStorage: RunStorage {
    private var totals: [String: Statistics] = [:]
    private var sequences: [String: UInt64] = [:]

    public init() {}

    public func merge(run: String, agent: String, sequence: UInt64, _ statistics: Statistics) -> Bool {
        let key = "\(run)/\(agent)"
        guard sequence == sequences[key, default: 0] + 1 else { return false }
        sequences[key] = sequence
        totals[run, default: Statistics()].merge(statistics)
        return true
    }

    public func statistics(run: String) -> Statistics { totals[run] ?? Statistics() }
}

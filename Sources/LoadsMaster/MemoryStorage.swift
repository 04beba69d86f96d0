public import LoadsCore
public import LoadsWire

/// Keeps runs in memory, for as long as the process lives: the storage of a local run.
public actor MemoryStorage: RunStorage {
    private struct Entry {
        var stored: StoredRun
        var seconds: [Int: Statistics] = [:]
        var log: [LogEntry] = []
    }

    private var runs: [String: Entry] = [:]
    private var keys: [String: String] = [:]
    private let keepsSeconds: Bool
    private let limit: Int?
    /// It has no files.
    public nonisolated var keepsHits: Bool { false }

    /// - Parameters:
    ///   - keepsSeconds: Whether what each second brought is kept apart: memory grows with names × seconds then.
    ///   - runs: Ended runs that are kept, the last ones; nil is all.
    public init(keepsSeconds: Bool = false, runs limit: Int? = nil) {
        self.keepsSeconds = keepsSeconds
        self.limit = limit
    }

    public func load() -> StoredState {
        var state = StoredState()
        state.keys = keys
        let ordered = runs.values.map(\.stored).sorted { $0.record.submittedAt < $1.record.submittedAt }
        state.open = ordered.filter { !$0.record.isOver }
        state.history = ordered.filter(\.record.isOver).map { $0.record.status($0.total, elapsed: $0.record.duration) }
        return state
    }

    /// Takes the changes at once. Hits have no place here: all of them come back as not kept.
    public func commit(_ changes: [RunChanges], keys: [String: String?]) -> [String: Int] {
        for (agent, key) in keys { self.keys[agent] = key }
        for change in changes {
            var entry = runs[change.record.run] ?? Entry(stored: StoredRun(record: change.record))
            entry.stored.record = change.record
            if let total = change.total {
                let known = entry.stored.total
                entry.stored.total = total
                entry.stored.total.names = known.names.merging(total.names) { $1 }
                entry.stored.total.steps = known.steps.merging(total.steps) { $1 }
                entry.stored.total.checks = known.checks.merging(total.checks) { $1 }
                entry.stored.total.metrics = known.metrics.merging(total.metrics) { $1 }
            }
            for part in change.parts {
                entry.stored.parts.removeAll { $0.agent == part.agent && $0.epoch == part.epoch }
                entry.stored.parts.append(part)
            }
            if keepsSeconds {
                for (second, statistics) in change.seconds {
                    entry.seconds[second, default: Statistics()].merge(statistics)
                }
            }
            entry.log += change.events
            runs[change.record.run] = entry
        }
        if changes.contains(where: \.record.isOver) { forgetOld() }
        // They have no place here.
        return Dictionary(
            changes.filter { !$0.hits.isEmpty }.map { ($0.record.run, $0.hits.reduce(0) { $0 + $1.hits.count }) },
            uniquingKeysWith: +)
    }

    private func forgetOld() {
        guard let limit else { return }
        // By when they ended: one that took a day is not the oldest.
        let over = runs.values.map(\.stored.record).filter(\.isOver)
            .sorted { ($0.endedAt, $0.submittedAt) < ($1.endedAt, $1.submittedAt) }
        for old in over.dropLast(limit) { runs[old.run] = nil }
    }

    public func run(_ run: String) -> StoredRun? { runs[run]?.stored }

    public func log(_ run: String, from number: Int, limit: Int) -> [LogEntry] {
        Array((runs[run]?.log ?? []).drop { $0.number < number }.prefix(limit))
    }

    public func seconds(_ run: String, from second: Int, limit: Int) -> [(Int, Statistics)] {
        (runs[run]?.seconds ?? [:]).filter { $0.key >= second }.sorted { $0.key < $1.key }.prefix(limit)
            .map { ($0.key, $0.value) }
    }

    public func close() {}
}

extension RunRecord {
    /// Wall time of its end, in seconds since 1970; of one that never started, of its submission.
    fileprivate var endedAt: Double { (startedAt ?? submittedAt) + duration }
}

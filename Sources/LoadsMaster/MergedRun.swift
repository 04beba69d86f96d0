import LoadsCore
import LoadsEventLoop

/// What a run's agents have measured, merged. A pure structure.
///
/// A batch is merged once, into what came since the last ``fold()``; that is then added to the totals, to the seconds
/// that wait to be stored, and to the interval that waits to be published. So the cost of a batch does not grow with
/// the number of those who want to know.
struct MergedRun {
    /// One agent's part.
    struct Part: Sendable, Equatable {
        /// Iterations, health and users; no names.
        var statistics = Statistics()
        var hits = 0
        /// The end of its last batch, in seconds since the start.
        var lastData: Double = 0
    }

    /// Over all agents since the start.
    private(set) var total: Statistics
    private(set) var parts: [Intake.Source: Part]
    private let maxNames: Int
    /// What came since the last fold, by second of the run.
    private var fresh: [Int: Statistics] = [:]
    /// Not stored yet, by second.
    private var pending: [Int: Statistics] = [:]
    /// Names whose totals changed since the last commit.
    private var changedNames: Set<String> = []
    private var changedParts: Set<Intake.Source> = []
    /// Not published yet; nil when nobody wants it.
    private var interval: Statistics?
    private var intervalStart: Double = 0
    private var intervalEnd: Double = 0

    /// Seconds beyond which none is kept apart: four weeks.
    static let lastSecond = 28 * 86_400

    init(maxNames: Int, total: Statistics = Statistics(), parts: [Intake.Source: Part] = [:]) {
        self.maxNames = maxNames
        self.total = total
        self.parts = parts
    }

    mutating func take(_ batch: Batch, from source: Intake.Source) {
        var statistics = batch.statistics
        limitNames(&statistics)
        var part = parts[source] ?? Part()
        part.statistics.iterations.merge(statistics.iterations)
        part.statistics.health.merge(statistics.health)
        part.statistics.users = statistics.users
        part.hits += statistics.hitCount
        if batch.to.isFinite { part.lastData = max(part.lastData, min(batch.to, Double(Self.lastSecond))) }
        parts[source] = part
        changedParts.insert(source)
        fresh[Self.second(of: batch), default: Statistics()].merge(statistics)
    }

    /// Until when there is data of a source, in seconds since the start.
    func lastData(_ source: Intake.Source) -> Double { parts[source]?.lastData ?? 0 }

    /// The second in whose middle a batch lies.
    static func second(of batch: Batch) -> Int {
        let middle = (batch.from + batch.to) / 2
        guard middle.isFinite, middle > 0 else { return 0 }
        return Int(min(middle, Double(lastSecond)))
    }

    /// Adds what came since the last time to everything.
    ///
    /// - Returns: It, merged; nil when nothing came.
    @discardableResult
    mutating func fold() -> Statistics? {
        guard !fresh.isEmpty else { return nil }
        var sum: Statistics?
        for (second, statistics) in fresh {
            total.merge(statistics)
            changedNames.formUnion(statistics.names.keys)
            pending[second, default: Statistics()].merge(statistics)
            if sum == nil { sum = statistics } else { sum!.merge(statistics) }
        }
        fresh.removeAll()
        // Health and users do not add up over time alone: they come from the agents' last words.
        total.health = health
        total.users = users
        sum?.users = users
        if let sum, interval != nil { interval!.merge(sum) }
        return sum
    }

    /// Users running on all agents.
    var users: Int { parts.values.reduce(0) { $0 + $1.statistics.users } }

    /// What the generators say of themselves together: CPU and counts add up, peaks are those of one agent.
    var health: GeneratorHealth {
        parts.values.reduce(into: GeneratorHealth()) { sum, part in
            let health = part.statistics.health
            sum.cpuSeconds += health.cpuSeconds
            sum.lag.merge(health.lag)
            sum.peakResidentBytes = max(sum.peakResidentBytes, health.peakResidentBytes)
            sum.droppedHits += health.droppedHits
            sum.orphanFailures += health.orphanFailures
            sum.overflowedNames = max(sum.overflowedNames, health.overflowedNames)
        }
    }

    /// Users of a source that runs no more.
    mutating func ended(_ source: Intake.Source) {
        parts[source]?.statistics.users = 0
        total.users = users
        changedParts.insert(source)
    }

    /// Counts hits of a source that could not be kept.
    mutating func dropped(hits: Int, of source: Intake.Source) {
        parts[source, default: Part()].statistics.health.droppedHits += hits
        changedParts.insert(source)
        total.health = health
    }

    // MARK: For the storage

    /// What changed since the last time; empty when nothing did. Ends with a fold.
    mutating func takeChanges() -> Changes {
        fold()
        var changes = Changes()
        guard !pending.isEmpty || !changedParts.isEmpty else { return changes }
        changes.total = total
        changes.total?.names = total.names.filter { changedNames.contains($0.key) }
        changes.seconds = pending
        changes.parts = parts.filter { changedParts.contains($0.key) }
        pending.removeAll()
        changedNames.removeAll()
        changedParts.removeAll()
        return changes
    }

    struct Changes {
        /// The totals, of the names that changed; nil when nothing did.
        var total: Statistics?
        /// What is added to each second.
        var seconds: [Int: Statistics] = [:]
        var parts: [Intake.Source: Part] = [:]
    }

    /// Takes back what could not be stored: it goes with the next.
    mutating func restore(_ changes: Changes) {
        for (second, statistics) in changes.seconds { pending[second, default: Statistics()].merge(statistics) }
        if let total = changes.total { changedNames.formUnion(total.names.keys) }
        changedParts.formUnion(changes.parts.keys)
    }

    // MARK: For the stream

    /// Whether intervals are wanted from now on.
    mutating func wantIntervals(_ wanted: Bool, at time: Double) {
        if wanted == (interval != nil) { return }
        fold()
        interval = wanted ? Statistics() : nil
        intervalStart = time
    }

    /// The interval since the last call, if it is wanted and something happened in it.
    mutating func takeInterval(at time: Double) -> (from: Double, to: Double, Statistics)? {
        fold()
        guard var statistics = interval,
            !statistics.names.isEmpty || statistics.iterations != IterationCounts() || !statistics.failures.isEmpty
                || statistics.users != users
        else { return nil }
        statistics.health = health
        statistics.users = users
        defer {
            interval = Statistics()
            interval!.users = users
            intervalStart = time
        }
        return (intervalStart, time, statistics)
    }

    /// Many agents have many names: beyond the plan's limit they are counted together here too.
    private mutating func limitNames(_ statistics: inout Statistics) {
        let known = knownNames.count
        var room = maxNames - known
        for name in statistics.names.keys where !knownNames.contains(name) && name != Statistics.otherName {
            if room > 0 {
                knownNames.insert(name)
                room -= 1
            } else {
                let group = statistics.names.removeValue(forKey: name)!
                statistics.names[Statistics.otherName, default: NameStatistics()].merge(group)
            }
        }
    }

    private lazy var knownNames: Set<String> = Set(total.names.keys).subtracting([Statistics.otherName])
}

import LoadsCore
import LoadsEventLoop
import LoadsWire

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
        /// The most users that it has told of in the second of its last batch.
        fileprivate var most = 0
        /// Of which second they were.
        fileprivate var second = -1
        /// Nothing has come of it.
        init() {}

        init(statistics: Statistics, hits: Int, lastData: Double) {
            (self.statistics, self.hits, self.lastData) = (statistics, hits, lastData)
            most = statistics.users
        }
    }

    /// Over all agents since the start.
    private(set) var total: Statistics
    private(set) var parts: [Intake.Source: Part]
    private let maxNames: Int
    /// Many agents have many names: beyond the plan's limit they are counted together here too.
    private var knownNames = MeasuredNames()
    /// Of how many names that was known when this was restored.
    private let overflowedBefore: Int
    /// What came since the last fold, by second of the run.
    private var fresh: [Int: Statistics] = [:]
    /// Not stored yet, by second.
    private var pending: [Int: Statistics] = [:]
    /// Names whose totals changed since the last commit.
    private var changedNames = MeasuredNames()
    private var changedParts: Set<Intake.Source> = []
    /// Not published yet, by second of the run; nil when nobody wants it.
    private var interval: [Int: Statistics]?
    private var intervalStart: Double = 0
    private var publishedUsers = 0
    private var levels: UserLevels
    /// Whether somebody asks with ``takeUnseen()``.
    var isObserved = false
    private var unseen: [Int: Statistics] = [:]
    /// Judges the run's thresholds by what is merged.
    var judge = ThresholdJudge()

    init(maxNames: Int, total: Statistics = Statistics(), parts: [Intake.Source: Part] = [:]) {
        self.maxNames = maxNames
        self.total = total
        overflowedBefore = total.health.overflowedNames
        knownNames.admit(&self.total, limit: .max)
        self.parts = parts
        levels = UserLevels(latest: parts.values.reduce(0) { $0 + $1.most })
    }

    mutating func take(_ batch: Batch, from source: Intake.Source) {
        let statistics = batch.statistics
        count(
            source, iterations: statistics.iterations, health: statistics.health, users: statistics.users,
            hits: statistics.hitCount, to: batch.to, second: batch.second)
        fresh[batch.second, default: Statistics()].merge(statistics)
    }

    /// Merges a batch straight out of its message.
    mutating func take(_ batch: BatchReader, from source: Intake.Source) {
        let second = Batch.second(from: batch.from, to: batch.to)
        count(
            source, iterations: batch.iterations, health: batch.health, users: batch.users, hits: batch.hitCount,
            to: batch.to, second: second)
        batch.merge(into: &fresh[second, default: Statistics()])
    }

    private mutating func count(
        _ source: Intake.Source, iterations: IterationCounts, health: GeneratorHealth, users: Int, hits: Int,
        to end: Double, second: Int
    ) {
        var part = parts.removeValue(forKey: source) ?? Part()
        part.statistics.iterations.merge(iterations)
        part.statistics.health.merge(health)
        // What a source tells late, of a time before its last data, comes with the users of now: they say nothing of then.
        let isLate = end < part.lastData
        let most = isLate ? part.most : second == part.second ? max(part.most, users) : users
        levels.take(most - part.most, in: second)
        if !isLate { (part.statistics.users, part.most, part.second) = (users, most, second) }
        part.hits += hits
        if end.isFinite { part.lastData = max(part.lastData, min(end, Double(Batch.lastSecond))) }
        parts[source] = part
        changedParts.insert(source)
    }

    /// Takes the users of the last seconds as they are stored: what is late still is of these.
    mutating func restore(users seconds: [(second: Int, users: Int)]) {
        levels = UserLevels(latest: levels.latest, of: seconds)
    }

    /// Until when there is data of a source, in seconds since the start.
    func lastData(_ source: Intake.Source) -> Double { parts[source]?.lastData ?? 0 }

    /// Adds what came since the last time to everything.
    mutating func fold() {
        guard !fresh.isEmpty else { return }
        for (second, statistics) in fresh {
            var statistics = statistics
            knownNames.admit(&statistics, limit: maxNames)
            if var warmUp = statistics.warmUp {
                knownNames.admit(&warmUp, limit: maxNames)
                statistics.warmUp = warmUp
            }
            total.merge(statistics)
            changedNames.add(statistics)
            pending[second, default: Statistics()].merge(statistics)
            judge.take(statistics, second: second)
            if interval != nil { interval![second, default: Statistics()].merge(statistics) }
            if isObserved {
                unseen[second, default: Statistics()].merge(statistics)
            }
        }
        fresh.removeAll()
        // Health and users do not add up over time alone: they come from the agents' last words.
        total.health = health
        total.users = users
    }

    /// What came since the last call, for an observer, by second of the run; empty when nothing did.
    mutating func takeUnseen() -> [(second: Int, Statistics)] {
        fold()
        defer { unseen.removeAll() }
        let health = health
        return unseen.sorted { $0.key < $1.key }.map { second, statistics in
            var statistics = statistics
            statistics.users = levels.users(at: second)
            statistics.health = health
            return (second, statistics)
        }
    }

    /// Users running on all agents.
    var users: Int { parts.values.reduce(0) { $0 + $1.statistics.users } }

    /// What the generators say of themselves together: CPU and counts add up, peaks are those of one agent.
    var health: GeneratorHealth {
        var sum = GeneratorHealth()
        sum.overflowedNames = max(overflowedBefore, knownNames.overflowed)
        return parts.values.reduce(into: sum) { sum, part in
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
        // Until then there were as many as it last said.
        if let part = parts[source] { levels.step(-part.most, in: Int(part.lastData.rounded(.up))) }
        parts[source]?.statistics.users = 0
        parts[source]?.most = 0
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
        for second in levels.takeChanged() where pending[second] == nil { pending[second] = Statistics() }
        // A batch knows its own agent's users alone.
        for second in pending.keys { pending[second]!.users = levels.users(at: second) }
        changes.total = changedNames.selection(of: total)
        changes.seconds = pending
        changes.parts = parts.filter { changedParts.contains($0.key) }
        pending.removeAll()
        changedNames = MeasuredNames()
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
        if let total = changes.total { changedNames.add(total) }
        changedParts.formUnion(changes.parts.keys)
    }

    // MARK: For the stream

    /// Whether intervals are wanted from now on.
    mutating func wantIntervals(_ wanted: Bool, at time: Double) {
        if wanted == (interval != nil) { return }
        fold()
        interval = wanted ? [:] : nil
        publishedUsers = 0
        intervalStart = time
    }

    /// What came since the last call, if it is wanted: for each second of the run in which something happened an interval
    /// that lies in it, in their order.
    mutating func takeIntervals(at time: Double) -> [(from: Double, to: Double, Statistics)] {
        fold()
        guard var seconds = interval else { return [] }
        // A run's time ends with its last iteration: what comes a moment later has no length. What comes after a time of
        // nothing did not happen in it.
        let (start, end) = (intervalStart, max(intervalStart, time))
        intervalStart = end
        seconds = seconds.filter { $0.value.tellsSomething }
        // All that came may be late: then it does not tell how many there are now.
        let told = seconds.keys.max().map { level(of: $0, at: end) } ?? publishedUsers
        if told != users { seconds[max(0, Int(end))] = Statistics() }
        interval = [:]
        publishedUsers = users
        return seconds.sorted { $0.key < $1.key }.map { second, statistics in
            var statistics = statistics
            statistics.health = health
            statistics.users = level(of: second, at: end)
            let whole = (Double(second), Double(second + 1))
            // What is late, or early by an agent's clock, is of a second that this time does not touch: then it is all of it.
            let touches = start < whole.1 && end > whole.0
            return (touches ? max(start, whole.0) : whole.0, touches ? min(end, whole.1) : whole.1, statistics)
        }
    }

    /// Users of a second at a point in time: of the one that goes on there is nothing newer than the latest.
    private func level(of second: Int, at time: Double) -> Int {
        second >= Int(time) ? users : levels.users(at: second)
    }
}

extension Statistics {
    /// Whether anything happened; what a generator says of itself alone is nothing.
    fileprivate var tellsSomething: Bool {
        var rest = self
        rest.health = GeneratorHealth()
        rest.users = 0
        return rest != Statistics()
    }
}

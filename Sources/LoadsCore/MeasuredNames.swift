/// Names of statistics: of hits, steps, checks and metrics. A pure structure.
///
/// Whoever merges what others have measured admits it first, so that nobody makes the sum grow without end.
public struct MeasuredNames: Sendable {
    public private(set) var hits: Set<String> = []
    public private(set) var steps: Set<String> = []
    public private(set) var checks: Set<String> = []
    private var metrics: [String: Meaning] = [:]
    private var overflow: Set<Int> = []

    /// What the values of a metric are. Under one name there is one only.
    private struct Meaning: Equatable {
        var kind: MetricKind
        var unit: String

        init(_ kind: MetricKind, _ unit: String = "") { (self.kind, self.unit) = (kind, unit) }
    }

    /// Under which others are counted: there is always room for these.
    private static let collective = Dictionary(
        uniqueKeysWithValues: MetricKind.allCases.map { (MetricStatistics.other($0), Meaning($0)) })
    /// Names too many that are told apart.
    private static let overflowLimit = 100_000

    public init() {}

    /// Learns the names of statistics.
    public mutating func add(_ statistics: Statistics) {
        hits.formUnion(statistics.names.keys)
        steps.formUnion(statistics.steps.keys)
        checks.formUnion(statistics.checks.keys)
        for (name, metric) in statistics.metrics { metrics[name] = Meaning(metric.kind, metric.unit) }
    }

    /// The statistics of these names, with all that has no name.
    public func selection(of statistics: Statistics) -> Statistics {
        var selected = statistics
        selected.names = Self.select(hits, statistics.names)
        selected.steps = Self.select(steps, statistics.steps)
        selected.checks = Self.select(checks, statistics.checks)
        selected.metrics = Self.select(metrics.keys, statistics.metrics)
        return selected
    }

    private static func select<Value>(_ names: some Collection<String>, _ values: [String: Value]) -> [String: Value] {
        var selected: [String: Value] = [:]
        for name in names { selected[name] = values[name] }
        return selected
    }

    // MARK: The limit

    /// Names that did not fit, up to 100,000.
    public var overflowed: Int { overflow.count }

    /// Learns the names of statistics, and counts together what is under names beyond the limit.
    ///
    /// - Parameter limit: How many names of each family are kept apart, as when recording (``Plan/maxNames``).
    public mutating func admit(_ statistics: inout Statistics, limit: Int) {
        for name in excess(statistics.names.keys, \.hits, limit) {
            statistics.names[Statistics.otherName, default: NameStatistics()]
                .merge(statistics.names.removeValue(forKey: name)!)
        }
        for name in excess(statistics.steps.keys, \.steps, limit) {
            statistics.steps[Statistics.otherName, default: StepStatistics()]
                .merge(statistics.steps.removeValue(forKey: name)!)
        }
        for name in excess(statistics.checks.keys, \.checks, limit) {
            statistics.checks[Statistics.otherName, default: CheckCounts()]
                .merge(statistics.checks.removeValue(forKey: name)!)
        }
        for name in Array(statistics.metrics.keys) {
            let metric = statistics.metrics[name]!
            let kept = key(name, Meaning(metric.kind, metric.unit), limit)
            let unit = metrics[kept]?.unit ?? ""
            if kept == name, metric.unit == unit { continue }
            statistics.metrics[name] = nil
            statistics.metrics[kept, default: MetricStatistics(kind: metric.kind, unit: unit)].merge(metric)
        }
    }

    /// Those of the names that there is no more room for; the others become known.
    private mutating func excess(
        _ names: some Collection<String>, _ family: WritableKeyPath<MeasuredNames, Set<String>>, _ limit: Int
    ) -> [String] {
        var excess: [String] = []
        for name in names where !self[keyPath: family].contains(name) && name != Statistics.otherName {
            if self[keyPath: family].count < limit {
                self[keyPath: family].insert(name)
            } else {
                count(name)
                excess.append(name)
            }
        }
        return excess
    }

    /// Where the values of a metric go: to its name, beside it if that one means something else, or where those of its kind
    /// are for which there is no room.
    private mutating func key(_ name: String, _ meaning: Meaning, _ limit: Int) -> String {
        for name in [name, MetricStatistics.apart(name, meaning.kind, meaning.unit)] {
            if let known = metrics[name] ?? Self.collective[name] {
                if known == meaning { return name }
                continue
            }
            guard metrics.count < limit else { break }
            metrics[name] = meaning
            return name
        }
        count(name)
        return MetricStatistics.other(meaning.kind)
    }

    /// Counted by hash and bounded: whoever makes up names must not fill the memory with them.
    private mutating func count(_ name: String) {
        if overflow.count < Self.overflowLimit { overflow.insert(name.hashValue) }
    }
}

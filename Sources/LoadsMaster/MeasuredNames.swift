import LoadsCore

/// Names of statistics: of hits, steps, checks and metrics. A pure structure.
struct MeasuredNames {
    private(set) var hits: Set<String> = []
    private(set) var steps: Set<String> = []
    private(set) var checks: Set<String> = []
    private(set) var metrics: Set<String> = []

    /// Under which others are counted: there is always room for these.
    private static let collective = Set([Statistics.otherName] + MetricKind.allCases.map { MetricStatistics.other($0) })

    mutating func add(_ statistics: Statistics) {
        hits.formUnion(statistics.names.keys)
        steps.formUnion(statistics.steps.keys)
        checks.formUnion(statistics.checks.keys)
        metrics.formUnion(statistics.metrics.keys)
    }

    /// The statistics of these names, with all that has no name.
    func selection(of statistics: Statistics) -> Statistics {
        var selected = statistics
        selected.names = Self.select(hits, statistics.names)
        selected.steps = Self.select(steps, statistics.steps)
        selected.checks = Self.select(checks, statistics.checks)
        selected.metrics = Self.select(metrics, statistics.metrics)
        return selected
    }

    private static func select<Value>(_ names: Set<String>, _ values: [String: Value]) -> [String: Value] {
        var selected: [String: Value] = [:]
        for name in names { selected[name] = values[name] }
        return selected
    }

    // MARK: The limit

    /// Learns the names of statistics, and counts together what is under names beyond the limit.
    mutating func admit(_ statistics: inout Statistics, limit: Int) {
        for name in Self.excess(statistics.names.keys, &hits, limit) {
            statistics.names[Statistics.otherName, default: NameStatistics()]
                .merge(statistics.names.removeValue(forKey: name)!)
        }
        for name in Self.excess(statistics.steps.keys, &steps, limit) {
            statistics.steps[Statistics.otherName, default: StepStatistics()]
                .merge(statistics.steps.removeValue(forKey: name)!)
        }
        for name in Self.excess(statistics.checks.keys, &checks, limit) {
            statistics.checks[Statistics.otherName, default: CheckCounts()]
                .merge(statistics.checks.removeValue(forKey: name)!)
        }
        for name in Self.excess(statistics.metrics.keys, &metrics, limit) {
            let metric = statistics.metrics.removeValue(forKey: name)!
            let other = MetricStatistics.other(metric.kind)
            statistics.metrics[other, default: MetricStatistics(kind: metric.kind)].merge(metric)
        }
    }

    /// Those of the names that there is no more room for; the others become known.
    private static func excess(
        _ names: some Collection<String>, _ known: inout Set<String>, _ limit: Int
    ) -> [String] {
        var excess: [String] = []
        for name in names where !known.contains(name) && !collective.contains(name) {
            if known.count < limit { known.insert(name) } else { excess.append(name) }
        }
        return excess
    }
}

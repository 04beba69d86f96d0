/// What a threshold's measure has counted of some statistics. Adds up.
struct Tally: Sendable, Equatable {
    /// Samples: hits, iterations, steps, checks, values, arrivals.
    var samples = 0
    /// Those of them that the function counts: failed, passed, dropped.
    var part = 0
    var times = Histogram()
    var bytes = 0
    /// Of a metric: everything but the distribution, which is in ``times``.
    var values: Values?
    /// Whether anything bears the name.
    var isKnown = false

    /// The values of a metric.
    struct Values: Sendable, Equatable {
        var sum: Double
        var min: Double
        var max: Double
        var last: Double
        var lastAt: Double
        /// Whether a value is a time in milliseconds.
        var isTime: Bool
        /// Whether its distribution was kept.
        var isTrend: Bool
    }

    mutating func merge(_ other: Tally) {
        samples += other.samples
        part += other.part
        times.merge(other.times)
        bytes += other.bytes
        isKnown = isKnown || other.isKnown
        guard let added = other.values else { return }
        guard var values else {
            values = added
            return
        }
        values.sum += added.sum
        values.min = min(values.min, added.min)
        values.max = max(values.max, added.max)
        if added.lastAt >= values.lastAt { (values.last, values.lastAt) = (added.last, added.lastAt) }
        values.isTime = values.isTime && added.isTime
        values.isTrend = values.isTrend && added.isTrend
        self.values = values
    }
}

extension Measure {
    /// Adds what it counts of some statistics.
    func count(_ statistics: Statistics, in tally: inout Tally) {
        switch subject {
        case .hit(let name):
            if let group = statistics.names[name] { count(group, in: &tally) }
        case .all: countAll(statistics, in: &tally)
        case .iterations:
            if function == .rate {
                tally.samples += statistics.iterations.completed
            } else {
                times(statistics.iterationTimes, in: &tally)
            }
        case .service: times(statistics.service, in: &tally)
        case .step(let name):
            for step in statistics.steps.tagged(name) {
                tally.isKnown = true
                tally.samples += step.count
                tally.part += step.failed
                if isOfTimes { tally.times.merge(step.duration) }
            }
        case .check(let name): for counts in statistics.checks.tagged(name) { count(counts, in: &tally) }
        case .metric(let name): for metric in statistics.metrics.tagged(name) { count(metric, in: &tally) }
        case .response: times(statistics.response, in: &tally)
        case .lag: times(statistics.scheduleLag, in: &tally)
        }
    }

    private func count(_ counts: CheckCounts, in tally: inout Tally) {
        tally.isKnown = true
        tally.samples += counts.count
        tally.part += counts.passed
    }

    private func count(_ metric: MetricStatistics, in tally: inout Tally) {
        tally.isKnown = true
        guard metric.count > 0 else { return }
        var added = Tally()
        added.samples = metric.count
        if isOfTimes { added.times = metric.trend }
        added.values = Tally.Values(
            sum: metric.sum, min: metric.min, max: metric.max, last: metric.last, lastAt: metric.lastAt,
            isTime: metric.unit == "ms", isTrend: metric.kind == .trend)
        tally.merge(added)
    }

    private func countAll(_ statistics: Statistics, in tally: inout Tally) {
        switch function {
        case .failures:
            tally.samples += statistics.iterations.ok + statistics.iterations.failed
            tally.part += statistics.iterations.failed
        case .iterations: tally.samples += statistics.iterations.completed
        case .checks: for counts in statistics.checks.values { count(counts, in: &tally) }
        case .dropped:
            tally.samples += statistics.arrivals.judged
            tally.part += statistics.arrivals.dropped
        case .count, .sum, .last, .share: break
        default: for group in statistics.names.values { count(group, in: &tally) }
        }
    }

    private func count(_ group: NameStatistics, in tally: inout Tally) {
        tally.isKnown = true
        tally.samples += group.count
        tally.part += group.failed
        tally.bytes += group.bytesReceived
        if isOfTimes { tally.times.merge(group.latency) }
    }

    private func times(_ times: Histogram, in tally: inout Tally) {
        tally.times.merge(times)
        tally.samples += Int(clamping: times.count)
    }

    /// Whether it needs a distribution.
    var isOfTimes: Bool {
        switch function {
        case .percentile, .mean, .min, .max: true
        default: false
        }
    }

    /// What it comes to, in the unit of a limit.
    ///
    /// - Parameter seconds: What the tally was counted over.
    /// - Returns: Nil when there is nothing to judge.
    func value(_ tally: Tally, over seconds: Double, in unit: Quantity.Unit) -> Double? {
        if isOfMetric { return metricValue(tally, over: seconds, in: unit) }
        func perSecond(_ count: Int) -> Double? { seconds > 0 ? Double(count) / seconds : nil }
        switch function {
        case .percentile(let fraction): return tally.times.percentile(fraction).map(Double.init)
        case .mean: return tally.times.isEmpty ? nil : tally.times.mean
        case .min: return tally.times.isEmpty ? nil : Double(tally.times.min)
        case .max: return tally.times.isEmpty ? nil : Double(tally.times.max)
        case .errors, .failures, .dropped, .checks:
            switch unit {
            case .share: return tally.samples > 0 ? Double(tally.part) / Double(tally.samples) : nil
            case .perSecond: return perSecond(tally.part)
            default: return Double(tally.part)
            }
        case .hits, .iterations, .count, .rate:
            return unit == .perSecond ? perSecond(tally.samples) : Double(tally.samples)
        case .bytes:
            return unit == .bytesPerSecond ? perSecond(tally.bytes) : Double(tally.bytes)
        case .sum, .last, .share: return nil
        }
    }

    private func metricValue(_ tally: Tally, over seconds: Double, in unit: Quantity.Unit) -> Double? {
        if function == .count { return Double(tally.samples) }
        guard let values = tally.values else { return nil }
        // A trend of times is kept in milliseconds, its distribution in nanoseconds.
        let scale = unit == .time ? 1e6 : 1
        guard unit != .time || values.isTime else { return nil }
        switch function {
        case .percentile(let fraction):
            return values.isTrend ? tally.times.percentile(fraction).map { Double($0) / 1e6 * scale } : nil
        case .mean: return values.sum / Double(max(1, tally.samples)) * scale
        case .min: return values.min * scale
        case .max: return values.max * scale
        case .sum: return values.sum * scale
        case .last: return values.last * scale
        case .share: return values.sum / Double(max(1, tally.samples))
        case .rate: return seconds > 0 ? values.sum / seconds : nil
        default: return nil
        }
    }
}

extension Dictionary where Key == String {
    /// What bears a name, with whatever tags, or with exactly those of the name.
    fileprivate func tagged(_ name: String) -> [Value] {
        if name.hasSuffix("}") { return self[name].map { [$0] } ?? [] }
        let prefix = name + "{"
        return filter { $0.key == name || $0.key.hasPrefix(prefix) }.map(\.value)
    }
}

/// What the values of a metric mean.
public enum MetricKind: String, Sendable, CaseIterable {
    /// Amounts that add up: ``MetricStatistics/sum``.
    case counter
    /// The level of something: the last one, the smallest and the largest.
    case gauge
    /// Yes or no, as 1 and 0: ``MetricStatistics/share``.
    case rate
    /// A distribution: percentiles.
    case trend
}

/// The values under one name that the tests have recorded of their own.
///
/// All kinds keep the same sums; ``kind`` says which of them answer the question.
public struct MetricStatistics: Sendable, Equatable {
    /// Fixed by the first value: values of another kind under the name are kept apart.
    public var kind: MetricKind
    /// Of the values, for a person: `ms`, `EUR`; empty for plain numbers. Times are in `ms`.
    public var unit: String
    /// Values recorded.
    public var count = 0
    /// Of all values; of a rate the number of those that are true.
    public var sum = 0.0
    /// 0 before the first value, like ``max`` and ``last``.
    public var min = 0.0
    /// The largest value.
    public var max = 0.0
    /// The latest value, of whatever user.
    public var last = 0.0
    /// When that was, in seconds from the start of the run.
    public var lastAt = 0.0
    /// Of a trend: the values, in millionths of ``unit`` (so that times, in `ms`, are nanoseconds).
    public var trend = Histogram()
    /// Values that could not be recorded: no finite number, or out of the range of the kind.
    public var refused = 0

    /// Values beyond it, either way, are refused.
    public static let limit = 1e15
    /// The largest value of a trend; the smallest is 0.
    public static let trendLimit = 9e12

    /// No values yet.
    public init(kind: MetricKind, unit: String = "") {
        self.kind = kind
        self.unit = unit
    }

    /// In ``unit``; 0 without a value.
    public var mean: Double { count == 0 ? 0 : sum / Double(count) }
    /// Of a rate: the share that is true, from 0 to 1; 0 without a value.
    public var share: Double { mean }

    /// The value of a trend at a percentile, in ``unit``; nil without a value.
    ///
    /// - Parameter fraction: From 0 to 1; 0.95 is p95.
    public func percentile(_ fraction: Double) -> Double? { trend.percentile(fraction).map { Double($0) / 1e6 } }

    /// Records a value, or counts it as refused.
    ///
    /// - Parameter time: Seconds from the start of the run.
    public mutating func record(_ value: Double, at time: Double) {
        let range = kind == .trend ? 0...Self.trendLimit : -Self.limit...Self.limit
        guard range.contains(value) else {
            refused += 1
            return
        }
        if kind == .trend { trend.record(Int64((value * 1e6).rounded())) }
        min = count == 0 ? value : Swift.min(min, value)
        max = count == 0 ? value : Swift.max(max, value)
        if count == 0 || time >= lastAt { (last, lastAt) = (value, time) }
        count += 1
        sum += value
    }

    /// Adds the values of another of the same kind.
    public mutating func merge(_ other: MetricStatistics) {
        trend.merge(other.trend)
        mergeSums(other)
    }

    /// Adds everything but the distribution.
    public mutating func mergeSums(_ other: MetricStatistics) {
        refused += other.refused
        guard other.count > 0 else { return }
        min = count == 0 ? other.min : Swift.min(min, other.min)
        max = count == 0 ? other.max : Swift.max(max, other.max)
        if count == 0 || other.lastAt >= lastAt { (last, lastAt) = (other.last, other.lastAt) }
        count += other.count
        sum += other.sum
    }

    /// The name under which values are kept if others have the name already, of another kind or unit.
    public static func apart(_ name: String, _ kind: MetricKind, _ unit: String) -> String {
        name + " (" + kind.rawValue + (unit.isEmpty ? "" : ", " + unit) + ")"
    }

    /// The name under which the values of a kind are counted once there are too many names.
    public static func other(_ kind: MetricKind) -> String { apart(Statistics.otherName, kind, "") }
}

extension [String: MetricStatistics] {
    /// Where values of a kind and unit go: to their name, or beside it when that one holds something else.
    public func key(for name: String, _ kind: MetricKind, _ unit: String) -> String {
        guard let known = self[name], known.kind != kind || known.unit != unit else { return name }
        return MetricStatistics.apart(name, kind, unit)
    }

    /// Adds values under a name, or beside it when that one holds something of another kind.
    public mutating func merge(_ other: MetricStatistics, under name: String) {
        let key = key(for: name, other.kind, other.unit)
        self[key, default: MetricStatistics(kind: other.kind, unit: other.unit)].merge(other)
    }
}

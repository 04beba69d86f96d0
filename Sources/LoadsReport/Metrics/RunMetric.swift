import LoadsCore

/// A figure of a run as monitoring systems know figures: a name, what kind it is, and a value for each set of labels.
struct RunMetric: Sendable {
    enum Kind: Sendable {
        /// Grows from 0 at the start of the run.
        case counter
        /// The value of now.
        case gauge
        /// A distribution since the start of the run.
        case histogram
    }

    enum Value: Sendable {
        case count(Int)
        case number(Double)
        /// Nanoseconds, or millionths of a unit.
        case distribution(Histogram)
    }

    struct Point: Sendable {
        var labels: [(name: String, value: String)]
        var value: Value
    }

    /// Words with underscores, unit included: `loads_latency_seconds`.
    var name: String
    var kind: Kind
    /// In the notation of UCUM, for those who want it apart: `s`, `By`, `{hit}`.
    var unit: String
    var help: String
    var points: [Point]
    /// By what a distribution's values are divided to be in the unit.
    var scale: Double = 1e9
}

extension RunMetric {
    /// The upper bounds of a distribution's buckets, in its unit: 500 µs to a minute.
    static let bounds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    /// Those of values that are no times.
    static let plainBounds: [Double] = [0.01, 0.1, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 10_000, 100_000, 1e6]

    /// The bounds of this one.
    var bounds: [Double] { scale == 1e9 ? Self.bounds : Self.plainBounds }

    /// How many values are at most as large as each bound. A value within 0.1 % of a bound may be on its other side.
    func cumulative(_ histogram: Histogram) -> [UInt64] {
        var counts = [UInt64](repeating: 0, count: bounds.count)
        histogram.forEachBucket { index, amount in
            let value = Double(Histogram.lowestValue(of: index)) / scale
            if let place = bounds.firstIndex(where: { value <= $0 }) { counts[place] += amount }
        }
        for place in 1..<counts.count { counts[place] += counts[place - 1] }
        return counts
    }
}

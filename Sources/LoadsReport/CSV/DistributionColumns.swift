import LoadsCore

/// The columns that a distribution takes in a table, in milliseconds; empty where nothing was measured.
struct DistributionColumns {
    private let percentiles: [(name: String, fraction: Double)]

    /// Those of a whole run.
    static let all = DistributionColumns(
        percentiles: [
            ("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99_9", 0.999),
            ("p99_99", 0.9999),
        ])
    /// Those of a second.
    static let few = DistributionColumns(percentiles: [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)])

    var names: [String] { (["min", "mean"] + percentiles.map(\.name) + ["max"]).map { $0 + "_ms" } }

    func fields(_ histogram: Histogram) -> [String] {
        guard !histogram.isEmpty else { return names.map { _ in "" } }
        return [Decimal.milliseconds(histogram.min), Decimal.text(histogram.mean / 1e6, decimals: 6)]
            + percentiles.map { Decimal.milliseconds(histogram.percentile($0.fraction) ?? 0) }
            + [Decimal.milliseconds(histogram.max)]
    }
}

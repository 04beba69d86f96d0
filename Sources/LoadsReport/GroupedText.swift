internal import LoadsCore

/// The checks and metrics of a summary, a line each.
struct GroupedText {
    private let checks: [(key: String, value: CheckCounts)]
    private let metrics: [(key: String, value: MetricStatistics)]
    private let rate: (Double) -> Double

    /// Lines of each shown at most. The JSON form has them all.
    static let lineLimit = 60

    init(_ statistics: Statistics, rate: @escaping (Double) -> Double) {
        checks = statistics.checks.sorted { $0.key < $1.key }
        metrics = statistics.metrics.sorted { $0.key < $1.key }
        self.rate = rate
    }

    func lines(_ style: Style) -> [String] {
        section("checks", checks.map { ($0.key, checkText($0.value, style)) }, style)
            + section("metrics", metrics.map { ($0.key, Self.metricText($0.value, rate: rate)) }, style)
    }

    private func section(_ title: String, _ entries: [(name: String, text: String)], _ style: Style) -> [String] {
        guard !entries.isEmpty else { return [] }
        let shown = entries.prefix(Self.lineLimit)
        // A third of a narrow terminal for the names: the numbers are what is read.
        let room = max(16, (style.width ?? 120) / 3)
        let width = min(room, shown.map { $0.name.printable.count }.max() ?? 0)
        var lines = ["", style.bold("  " + title)]
        for (name, text) in shown {
            lines.append("  " + name.printable.shortened(to: width).paddedRight(to: width) + "  " + text)
        }
        let rest = entries.count - shown.count
        if rest > 0 { lines.append("  … and \(Figures.count(rest)) more: --json FILE has them all") }
        return lines
    }

    private func checkText(_ counts: CheckCounts, _ style: Style) -> String {
        let share = Figures.percent(counts.passed, of: counts.count).paddedLeft(to: 7)
        let text = share + ": \(Figures.count(counts.passed)) of \(Figures.count(counts.count)) passed"
        return counts.failed > 0 ? style.red(text) : text
    }

    static func metricText(_ metric: MetricStatistics, rate: (Double) -> Double) -> String {
        guard metric.count > 0 else { return "no value" }
        let unit = metric.unit.isEmpty ? "" : " " + metric.unit.printable
        switch metric.kind {
        case .counter:
            return Figures.number(metric.sum) + unit + ", \(Figures.rate(rate(metric.sum)))/s"
        case .gauge:
            return "last \(Figures.number(metric.last)), from \(Figures.number(metric.min)) to "
                + Figures.number(metric.max) + unit
        case .rate:
            let hits = Int(metric.sum)
            return Figures.percent(hits, of: metric.count)
                + ": \(Figures.count(hits)) of \(Figures.count(metric.count))"
        case .trend:
            let parts =
                [("min", metric.min), ("mean", metric.mean)]
                + [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)].map {
                    ($0.0, metric.percentile($0.1) ?? 0)
                } + [("max", metric.max)]
            return parts.map { "\($0.0) \(Figures.number($0.1))" }.joined(separator: ", ") + unit
        }
    }
}

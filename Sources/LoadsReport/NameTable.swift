internal import LoadsCore

/// A table of a summary: one row a name, and one for all when there are several.
struct NameTable {
    /// What the times are, and in which unit.
    private let title: String
    private let columns: [String]
    private let rows: [Row]
    /// Names that are left out.
    private let hidden: Int

    private struct Row {
        var name: String
        var cells: [String]
        var hasFailures: Bool
    }

    /// Rows shown at most: a summary is to be read. The JSON form has them all.
    static let rowLimit = 60

    private static let times = ["min", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"]
    private static let gap = 2
    private static let indent = "  "

    /// Hits by their name.
    init(_ statistics: Statistics, rate: (Int) -> Double) {
        let all = statistics.hits
        self.init(
            "latency", of: "hits",
            statistics.namesByCount.filter { $0.value.count > 0 }.map {
                ($0.key, $0.value.count, $0.value.failed, $0.value.latency)
            },
            all: (all.count, all.failed, all.latency), { count, _ in rate(count) })
    }

    /// Steps by their name. They nest: all together would count some time twice.
    init(steps: [String: StepStatistics], rate: (Int) -> Double) {
        let ranked = steps.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
        self.init(
            "steps", of: "count", ranked.map { ($0.key, $0.value.count, $0.value.failed, $0.value.duration) }, all: nil,
            { count, _ in rate(count) })
    }

    /// Iterations by their scenario, with the times that a visitor felt: of arrivals from their intended start.
    ///
    /// - Parameter rate: Of so many iterations of a scenario; nil where it is not known.
    init(scenarios: [String: ScenarioStatistics], rate: (Int, String) -> Double?) {
        self.init(
            "scenarios", of: "iterations",
            scenarios.sorted { $0.key < $1.key }.filter { $0.value.iterations.started > 0 }.map { name, own in
                (
                    name, own.iterations.started, own.iterations.failed,
                    own.felt
                )
            }, all: nil, rate)
    }

    private init(
        _ title: String, of counted: String,
        _ names: [(name: String, count: Int, failed: Int, times: Histogram)],
        all: (count: Int, failed: Int, times: Histogram)?, _ rate: (Int, String) -> Double?
    ) {
        let unit = TimeUnit(of: names.map(\.times))
        var rows = names.prefix(Self.rowLimit).map { Self.row($0.name, $0.count, $0.failed, $0.times, rate, unit) }
        if let all, names.count > 1 { rows.append(Self.row("all", all.count, all.failed, all.times, rate, unit)) }
        self.title = "\(title) in \(unit.name)"
        columns = [counted, "failed", "/s"] + Self.times
        self.rows = rows
        hidden = max(0, names.count - Self.rowLimit)
    }

    private static func row(
        _ name: String, _ count: Int, _ failed: Int, _ histogram: Histogram, _ rate: (Int, String) -> Double?,
        _ unit: TimeUnit
    ) -> Row {
        let times =
            [Double(histogram.min), histogram.mean]
            + [0.5, 0.9, 0.95, 0.99, 0.999].map { Double(histogram.percentile($0) ?? 0) } + [Double(histogram.max)]
        return Row(
            name: name.printable,
            cells: [Figures.count(count), Figures.count(failed), rate(count, name).map(Figures.rate) ?? "–"]
                + (histogram.isEmpty ? times.map { _ in "–" } : times.map(unit.format)),
            hasFailures: failed > 0)
    }

    /// The lines, aligned. Where the terminal is too narrow, a name stands on a line of its own above its numbers.
    func lines(_ style: Style) -> [String] {
        let widths = columns.indices.map { column in
            max(columns[column].count, rows.map { $0.cells[column].count }.max() ?? 0)
        }
        let numbers = widths.reduce(0) { $0 + $1 + Self.gap }
        let longest = max(title.count, rows.map(\.name.count).max() ?? 0)
        let room = (style.width ?? .max / 2) - numbers - Self.indent.count
        let stacked = room < min(longest, 16)
        let nameWidth = stacked ? 0 : min(longest, room)

        func cells(_ texts: [String]) -> String {
            zip(texts, widths).map { String(repeating: " ", count: Self.gap) + $0.paddedLeft(to: $1) }.joined()
        }
        var lines = [Self.indent + style.dim(title.paddedRight(to: nameWidth) + cells(columns))]
        if stacked { lines = [Self.indent + style.dim(title), Self.indent + style.dim(cells(columns))] }
        for row in rows {
            var texts = cells(row.cells)
            if row.hasFailures, style.colors { texts = style.red(texts) }
            if stacked {
                lines.append(Self.indent + row.name.shortened(to: max(16, (style.width ?? 80) - 2)))
                lines.append(Self.indent + texts)
            } else {
                lines.append(Self.indent + row.name.shortened(to: nameWidth).paddedRight(to: nameWidth) + texts)
            }
        }
        if hidden > 0 {
            lines.append(Self.indent + style.dim("… and \(Figures.count(hidden)) more names: --json FILE has them all"))
        }
        return lines
    }
}

extension ScenarioStatistics {
    /// The times that a visitor felt: of arrivals from when they were due.
    var felt: Histogram { response.isEmpty ? service : response }
}

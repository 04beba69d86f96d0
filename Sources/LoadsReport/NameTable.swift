internal import LoadsCore

/// The table of a summary: one row a name, and one for all when there are several.
struct NameTable {
    private let unit: TimeUnit
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

    private static let columns = [
        "hits", "failed", "/s", "min", "mean", "p50", "p90", "p95", "p99", "p99.9", "max",
    ]
    private static let gap = 2
    private static let indent = "  "

    init(_ statistics: Statistics, duration: Double) {
        let names = statistics.namesByCount
        let all = statistics.hits
        let unit = TimeUnit(
            typical: names.map { $0.value.latency.percentile(0.5) ?? 0 }.max() ?? 0, largest: all.latency.max)
        var rows = names.prefix(Self.rowLimit).map { Self.row($0.key, $0.value, duration, unit) }
        if names.count > 1 { rows.append(Self.row("all", all, duration, unit)) }
        self.unit = unit
        self.rows = rows
        hidden = max(0, names.count - Self.rowLimit)
    }

    private static func row(
        _ name: String, _ statistics: NameStatistics, _ duration: Double, _ unit: TimeUnit
    ) -> Row {
        let latency = statistics.latency
        let times =
            [Double(latency.min), latency.mean]
            + [0.5, 0.9, 0.95, 0.99, 0.999].map { Double(latency.percentile($0) ?? 0) } + [Double(latency.max)]
        let rate = duration > 0 ? Double(statistics.count) / duration : 0
        return Row(
            name: name.printable,
            cells: [Figures.count(statistics.count), Figures.count(statistics.failed), Figures.rate(rate)]
                + (latency.isEmpty ? times.map { _ in "–" } : times.map(unit.format)),
            hasFailures: statistics.failed > 0)
    }

    /// The lines, aligned. Where the terminal is too narrow, a name stands on a line of its own above its numbers.
    func lines(_ style: Style) -> [String] {
        let widths = Self.columns.indices.map { column in
            max(Self.columns[column].count, rows.map { $0.cells[column].count }.max() ?? 0)
        }
        let numbers = widths.reduce(0) { $0 + $1 + Self.gap }
        let title = "latency in \(unit.name)"
        let longest = max(title.count, rows.map(\.name.count).max() ?? 0)
        let room = (style.width ?? .max / 2) - numbers - Self.indent.count
        let stacked = room < min(longest, 16)
        let nameWidth = stacked ? 0 : min(longest, room)

        func cells(_ texts: [String]) -> String {
            zip(texts, widths).map { String(repeating: " ", count: Self.gap) + $0.paddedLeft(to: $1) }.joined()
        }
        var lines = [Self.indent + style.dim(title.paddedRight(to: nameWidth) + cells(Self.columns))]
        if stacked { lines = [Self.indent + style.dim(title), Self.indent + style.dim(cells(Self.columns))] }
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

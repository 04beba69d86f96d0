import Glibc

/// Load against latency in characters. Pure.
///
/// The load grows by factors, since it is doubled to find its limit: its axis is logarithmic. That of the latency begins
/// at 0.
struct LoadPlot {
    struct Point {
        var load: Int
        /// In nanoseconds.
        var latency: Double
        var isGood: Bool
    }

    let points: [Point]
    var width = 60
    var height = 12

    /// The lines, the highest latency first, then the axis and its loads.
    var lines: [String] {
        guard let first = points.map(\.load).min(), let last = points.map(\.load).max(), last > first else { return [] }
        let top = points.map(\.latency).max() ?? 0
        var grid = [[Character]](repeating: [Character](repeating: " ", count: width), count: height)
        for point in points {
            let share = log(Double(point.load) / Double(first)) / log(Double(last) / Double(first))
            let column = Int((share * Double(width - 1)).rounded())
            let row = top > 0 ? Int((point.latency / top * Double(height - 1)).rounded()) : 0
            // What was not borne is never hidden by what was.
            if grid[row][column] != "✗" { grid[row][column] = point.isGood ? "●" : "✗" }
        }
        let labels = (0..<height).map { label($0, top) }
        let margin = labels.map(\.count).max() ?? 0
        var lines = (0..<height).reversed().map { row in
            labels[row].paddedLeft(to: margin) + " ┤" + String(grid[row]).trimmingEnd
        }
        lines.append(String(repeating: " ", count: margin + 1) + "└" + String(repeating: "─", count: width))
        let (left, right) = (Figures.count(first), Figures.count(last))
        lines.append(
            String(repeating: " ", count: margin + 2) + left + right.paddedLeft(to: max(1, width - left.count)))
        return lines
    }

    /// The top, the middle and the bottom have one.
    private func label(_ row: Int, _ top: Double) -> String {
        if row == 0 { return "0" }
        guard row == height - 1 || row == (height - 1) / 2 else { return "" }
        return Figures.time(nanoseconds: top * Double(row) / Double(height - 1))
    }
}

extension String {
    fileprivate var trimmingEnd: String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

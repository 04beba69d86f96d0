import LoadsReport

/// Columns of text, each as wide as its widest cell. A cell is one line, and a long one is cut.
struct TextTable {
    private var rows: [[String]]

    /// Characters of a cell at most.
    static let cellLimit = 60

    init(_ head: [String]) { rows = [head] }

    mutating func add(_ row: [String]) { rows.append(row.map { Style(width: Self.cellLimit + 1).fitted($0) }) }

    /// The lines; blanks at their ends are left out.
    var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (cell, width) in zip(row, widths) {
                line += cell + String(repeating: " ", count: width - cell.count + 2)
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

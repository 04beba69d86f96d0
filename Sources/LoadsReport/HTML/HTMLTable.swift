/// A table of a page: names at the left, figures at the right.
struct HTMLTable {
    struct Row {
        /// Somebody's text; ``isOurs`` makes it the page's own.
        var name: String
        var cells: [String]
        var isBad = false
        var isOurs = false
    }

    /// The first one is that of the names.
    var columns: [String]
    /// Those of the others that hold words, not figures.
    var words: Set<Int> = []
    var rows: [Row]

    /// Rows of a table at most: what is beyond is summed up in one that says so.
    static let limit = 200

    /// A row for each of the first ones, and one for all others together.
    ///
    /// - Parameters:
    ///   - noun: What one of them is, in the singular.
    ///   - none: What the others are added to.
    ///   - row: Makes the row of a name, which is somebody's or the page's own.
    static func rows<Value>(
        _ all: [(key: String, value: Value)], of noun: String, _ none: Value, _ merge: (inout Value, Value) -> Void,
        _ row: (_ name: String, _ value: Value, _ isOurs: Bool) -> Row
    ) -> [Row] {
        let rest = all.dropFirst(limit)
        let rows = all.prefix(limit).map { row($0.key, $0.value, false) }
        guard !rest.isEmpty else { return rows }
        let sum = rest.reduce(into: none) { merge(&$0, $1.value) }
        return rows + [row("\(Figures.count(rest.count, "more \(noun)")), summed up", sum, true)]
    }

    /// - Parameter title: What stands above it.
    func write(_ title: String, id: String, _ html: inout HTMLWriter) {
        html.element("section", ["aria-labelledby": id]) { html in
            html.element("h2", ["id": id], text: title)
            write(labelledBy: id, &html)
        }
        html.newline()
    }

    /// The table alone, in a frame in which a narrow screen can move it.
    func write(labelledBy id: String, _ html: inout HTMLWriter) {
        html.element("div", ["class": "frame", "role": "region", "tabindex": "0", "aria-labelledby": id]) { html in
            html.element("table") { html in
                html.element("thead") { html in
                    html.element("tr") { html in
                        for (index, column) in columns.enumerated() {
                            html.element("th", ["scope": "col", "class": kind(index)], text: column)
                        }
                    }
                }
                html.newline()
                html.element("tbody") { html in for row in rows { write(row, &html) } }
            }
        }
    }

    private func write(_ row: Row, _ html: inout HTMLWriter) {
        html.element("tr", ["class": row.isBad ? "bad" : row.isOurs ? "ours" : "plain"]) { html in
            html.element("th", ["scope": "row", "class": "words"]) { html in
                if row.isOurs { html.write(row.name) } else { html.foreign(row.name) }
            }
            for (index, cell) in row.cells.enumerated() {
                html.element("td", ["class": kind(index + 1)]) { html in
                    if words.contains(index + 1) {
                        html.foreign(cell, limit: Self.wordLimit)
                    } else {
                        html.write(cell)
                    }
                }
            }
        }
        html.newline()
    }

    private func kind(_ column: Int) -> String { column == 0 || words.contains(column) ? "words" : "figures" }

    /// Characters of a cell with words at most.
    private static let wordLimit = 600
}

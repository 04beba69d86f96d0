extension Comparison {
    /// The comparison as Markdown for a comment on a pull request.
    public func markdown() -> [UInt8] {
        var lines = ["### " + (regressions.isEmpty ? "" : "❌ ") + "Loads: before and after", "", conclusion, ""]
        for warning in warnings { lines += ["> ⚠️ \(warning)", ""] }
        lines += [
            "| | | before | after | change | difference (\(confidenceText)) | |",
            "| --- | --- | ---: | ---: | ---: | ---: | --- |",
        ]
        for group in groups {
            for (index, figure) in group.figures.enumerated() {
                let cells = figure.cells
                let mark = figure.regressed ? "❌ " : ""
                lines.append(
                    "| " + (index == 0 ? Markdown.code(group.subject.label) : "") + " | "
                        + cells[0..<5].joined(separator: " | ") + " | \(mark)\(cells[5]) |")
            }
        }
        for (title, names) in [("before", onlyBefore), ("after", onlyAfter)] where !names.isEmpty {
            lines += ["", "Only \(title): " + names.map(Markdown.code).joined(separator: ", ")]
        }
        lines += ["", "before: \(Markdown.code(before.line))  ", "after: \(Markdown.code(after.line))"]
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }
}

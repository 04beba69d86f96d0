import LoadsCore

extension Comparison {
    /// The comparison as a person reads it; ends with a line feed.
    public func text(_ style: Style = Style()) -> String {
        var lines = [
            "  before  \(before.line)", "  after   \(after.line)",
        ]
        for sentence in warnings { lines.append("          " + style.yellow("warning: " + sentence)) }
        let rows = groups.map { group in
            let cells = group.figures.map { ($0, ["  " + $0.cells[0]] + $0.cells.dropFirst()) }
            return (title: group.subject.label.printable, rows: cells)
        }
        let heads = ["", "before", "after", "change", "difference (\(confidenceText))", ""]
        let widths = heads.indices.map { column in
            max(heads[column].count, rows.flatMap(\.rows).map { $0.1[column].count }.max() ?? 0)
        }
        func line(_ cells: [String]) -> String {
            var line = "  " + cells[0].paddedRight(to: widths[0])
            for column in 1..<5 { line += "  " + cells[column].paddedLeft(to: widths[column]) }
            return line
        }
        lines += ["", style.dim(line(heads))]
        for group in rows.prefix(Self.groupLimit) {
            lines.append("  " + style.bold(group.title.shortened(to: (style.width ?? 120) - 2)))
            for (figure, cells) in group.rows {
                let claim = cells[5]
                let colored =
                    switch figure.claim {
                    case .worse: style.red(claim)
                    case .better: style.green(claim)
                    case .none, .tooFew: style.dim(claim)
                    }
                lines.append(line(cells) + "  " + colored)
            }
        }
        if rows.count > Self.groupLimit {
            lines.append("  … and \(rows.count - Self.groupLimit) more names: --json FILE has them all")
        }
        if !onlyBefore.isEmpty || !onlyAfter.isEmpty { lines.append("") }
        for (title, names) in [("before", onlyBefore), ("after", onlyAfter)] where !names.isEmpty {
            lines.append("  only \(title): " + Self.list(names.map(\.printable)))
        }
        lines += ["", "  " + conclusion]
        return lines.joined(separator: "\n") + "\n"
    }

    /// The whole in a sentence.
    public var conclusion: String {
        if figures.isEmpty { return "nothing to compare: no name is in both runs" }
        let worse = regressions
        if let tolerance {
            let allowed = tolerance > 0 ? " by more than \(Figure.Kind.percent(tolerance)) %" : ""
            if worse.isEmpty { return "no figure is certainly worse\(allowed)" }
            let named = worse.map { "\($0.kind.label) of \($0.subject.label.printable)" }
            return "worse\(allowed), with \(confidenceText) confidence: " + Self.list(named)
        }
        let different = figures.count { $0.claim == .better || $0.claim == .worse }
        if different == 0 { return "no difference can be claimed (\(confidenceText) confidence, all figures together)" }
        return "\(different) of \(figures.count) figures differ with \(confidenceText) confidence, all together"
    }

    /// The figures by what they are of.
    var groups: [(subject: Figure.Subject, figures: [Figure])] {
        var groups: [(subject: Figure.Subject, figures: [Figure])] = []
        for figure in figures {
            if groups.last?.subject == figure.subject {
                groups[groups.count - 1].figures.append(figure)
            } else {
                groups.append((figure.subject, [figure]))
            }
        }
        return groups
    }

    /// Why the figures may differ although nothing that was loaded does.
    var warnings: [String] {
        var warnings: [String] = []
        if before.target != after.target { warnings.append("the targets differ") }
        if !planDifferences.isEmpty {
            warnings.append("the plans differ (\(planDifferences.joined(separator: ", "))): the figures may for that")
        }
        for (title, run) in [("before", before), ("after", after)] where run.interrupted {
            warnings.append("the run \(title) was interrupted")
        }
        for (title, doubt) in [("before", doubts.before), ("after", doubts.after)] {
            if let doubt { warnings.append("the verdict on the run \(title) is \(doubt.printable)") }
        }
        return warnings
    }

    var confidenceText: String { Figure.Kind.percent(confidence) + " %" }

    /// Names shown at most.
    static let groupLimit = 60

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(10).joined(separator: ", ")
        return names.count > 10 ? shown + " and \(names.count - 10) more" : shown
    }
}

extension RecordedSummary.Run {
    /// Which run it is, on a line.
    var line: String { "\(target.printable), \(started), \(Figures.time(nanoseconds: duration * 1e9)), run \(id)" }
}

public import LoadsCore

extension SizeReport {
    /// The result as a person reads it; ends with a line feed.
    public func text(_ style: Style = Style()) -> String {
        var lines = [
            style.bold(target.printable) + ": " + thresholds.map(\.expression.printable).joined(separator: ", "), "",
        ]
        lines += table(style)
        lines += plot
        lines.append("")
        lines.append("  " + style.bold(sentence))
        if let reason { lines.append("  " + reason) }
        lines += warnings.map { "  " + style.yellow("warning: " + $0) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// One step for a line of progress: `16 users: 79.8/s, p95 201 ms: kept`.
    public func line(_ step: SizeStep) -> String {
        let latency = step.latency.percentile(0.95).map { ", p95 \(Figures.time(nanoseconds: Double($0)))" } ?? ""
        return "\(text(step.load)): \(Figures.rate(step.rate))/s\(latency): \(step.words)"
    }

    private func table(_ style: Style) -> [String] {
        var rows = [[heading, "rate/s", "p50", "p95", "p99", "errors", ""]]
        for step in curve {
            let latency = step.latency
            let times = [0.5, 0.95, 0.99].map { fraction in
                latency.percentile(fraction).map { Figures.time(nanoseconds: Double($0)) } ?? "–"
            }
            rows.append(
                [Figures.count(step.load), Figures.rate(step.rate)] + times
                    + [Figures.fixed(step.errorShare * 100, 1) + " %", step.words])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.enumerated().map { index, row in
            let cells = row.indices.dropLast().map { row[$0].paddedLeft(to: widths[$0]) }
            let line = "  " + cells.joined(separator: "  ") + (row.last!.isEmpty ? "" : "  " + row.last!)
            guard index > 0 else { return style.dim(line) }
            return curve[index - 1].outcome == .kept ? line : style.yellow(line)
        }
    }

    private var plot: [String] {
        let points = curve.compactMap { step in
            step.latency.percentile(0.95).map {
                LoadPlot.Point(load: step.load, latency: Double($0), isGood: step.outcome == .kept)
            }
        }
        guard points.count > 1 else { return [] }
        return ["", "  p95 of the latency by load (● kept, ✗ not)"] + LoadPlot(points: points).lines.map { "  " + $0 }
    }

    /// What was found, in one sentence.
    var sentence: String {
        let rate = result.found.flatMap { step(of: $0) }.map { ", \(Figures.rate($0.rate))/s" } ?? ""
        let found = result.found.map { text($0) + rate }
        let broken = result.broken.map(text) ?? ""
        if steps.last?.summary.wasInterrupted == true {
            return "interrupted: "
                + (found.map { "the target bears at least \($0)" } ?? "nothing is said of the target yet")
        }
        switch (result.limit, found) {
        case (.target, let found?): return "the target bears \(found); \(broken) are too many"
        case (.target, nil): return "the target does not even bear \(broken)"
        case (.generator, let found?):
            return "the target bears \(found); beyond, this generator is the limit, not the target"
        case (.generator, nil): return "this generator is the limit, even with \(broken)"
        case (.bound, let found?): return "the target bears \(found); beyond, \(bound) is the limit, not the target"
        case (.bound, nil): return "\(bound) is the limit, even with \(broken): nothing is said of the target"
        case (.range, let found?): return "the target bears \(found), the most that was to be tried"
        case (.plateau, let found?):
            return "the target bears \(found); more load has brought no more throughput"
        case (.unclear, let found?): return "unclear: the target bears \(found), and the search could not go on"
        case (_, nil): return "unclear: the search could not go on"
        }
    }

    /// What has kept arrivals from being made.
    private var bound: String {
        let users = result.broken.flatMap { step(of: $0) }?.summary.plan.peakUsers
        return "--max-users" + (users.map { " \($0)" } ?? "")
    }

    /// Why the smallest load that was not borne was not, or why the search could not go on.
    private var reason: String? {
        if result.limit == .unclear, let last = steps.last, last.outcome == .unclear { return last.reason?.text }
        guard let broken = result.broken, let step = step(of: broken) else { return nil }
        if let reason = step.reason { return reason.text }
        return step.summary.thresholds.first { $0.state == .breached }.map { result in
            "with \(text(broken)) \(result.expression.printable) is breached: \(result.actualText ?? "")"
        }
    }

    /// What is said of thresholds that could not be judged.
    private var warnings: [String] { decisive?.summary.thresholdWarnings ?? [] }
}

extension SizeStep {
    var words: String {
        switch outcome {
        case .kept: "kept"
        case .breached: "breached"
        case .generatorLimited: "the generator is the limit"
        case .bounded: "--max-users is the limit"
        case .unclear: summary.wasInterrupted ? "interrupted" : "unclear"
        }
    }
}

public import LoadsCore

extension Summary {
    /// The summary as Markdown for a comment on a pull request.
    ///
    /// - Parameter status: The exit code that the run earns.
    public func markdown(_ status: ExitStatus) -> [UInt8] {
        var lines = ["### \(status == .passed ? "✅" : "❌") Loads: \(Markdown.code(target))", ""]
        lines += [facts(status), ""]
        if let crash {
            let what = crash.isLoss ? "the run broke off" : "the runner crashed"
            lines += ["> ❌ \(what): \(Markdown.code(crash.reason))", ""]
        }
        if verdict.kind != .valid {
            lines += ["> ⚠️ **\(verdict.kind.rawValue)**: these numbers are not all the target's"]
            lines += verdict.reasons.map { "> - " + Markdown.code($0.text) } + [""]
        }
        if !thresholds.isEmpty { lines += thresholdTable() + [""] }
        if !statistics.scenarios.isEmpty { lines += scenarioTable() + [""] }
        if !statistics.names.isEmpty { lines += hitTable() + [""] }
        if !statistics.steps.isEmpty { lines += stepTable() + [""] }
        lines += iterationTable() + [""]
        if !statistics.checks.isEmpty { lines += checkTable() + [""] }
        if !statistics.metrics.isEmpty { lines += metricTable() + [""] }
        lines += problems("Errors", statistics.errors) + problems("Failures", statistics.failures)
        lines.append(
            "<sub>\(Timestamp.utc(startedAt)), run \(Markdown.code(id)); times in milliseconds; latency from the call to "
                + "the last byte</sub>")
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private func facts(_ status: ExitStatus) -> String {
        let outcome =
            switch status {
            case .passed: "passed"
            case .interrupted: "interrupted"
            case .breached: "a threshold was breached"
            case .invalid: "the numbers cannot be trusted"
            default: "failed (exit code \(status.rawValue))"
            }
        let (count, failed) = (statistics.hitCount, statistics.failedHitCount)
        var parts = ["**\(outcome)**", plan.phrase, Figures.time(nanoseconds: duration * 1e9)]
        if count > 0 {
            parts += [
                "\(Figures.count(count)) hits (\(Figures.rate(rate(of: count)))/s)",
                "\(Figures.count(failed)) failed (\(Figures.percent(failed, of: count)))",
            ]
        }
        return parts.joined(separator: " · ")
    }

    private func thresholdTable() -> [String] {
        [Markdown.row(["threshold", "actual"]), Markdown.row(["---", "---:"])]
            + thresholds.map { result in
                let mark =
                    switch result.state {
                    case .passed: "✅"
                    case .breached: "❌"
                    case .unjudged: "❔"
                    }
                return Markdown.row([
                    "\(mark) " + Markdown.code(result.expression),
                    result.actualText ?? Markdown.code(result.doubtText ?? "not judged"),
                ])
            }
    }

    private func hitTable() -> [String] {
        let names = statistics.namesByCount
        var lines = [
            Markdown.row(["name", "hits", "failed", "/s"] + Self.columns.map(\.name)),
            Markdown.row(["---"] + Array(repeating: "---:", count: Self.columns.count + 3)),
        ]
        func row(_ name: String, _ hits: NameStatistics) -> String {
            Markdown.row(
                [name, Figures.count(hits.count), Figures.count(hits.failed), Figures.rate(rate(of: hits.count))]
                    + cells(hits.latency))
        }
        for (name, hits) in names.prefix(Self.markdownRows) { lines.append(row(Markdown.code(name), hits)) }
        if names.count > 1 { lines.append(row("**all**", statistics.hits)) }
        return lines + rest(names.count)
    }

    private func stepTable() -> [String] {
        let steps = statistics.steps.sorted { $0.key < $1.key }
        var lines = [
            Markdown.row(["step", "count", "failed"] + Self.columns.map(\.name)),
            Markdown.row(["---"] + Array(repeating: "---:", count: Self.columns.count + 2)),
        ]
        for (name, step) in steps.prefix(Self.markdownRows) {
            lines.append(
                Markdown.row(
                    [Markdown.code(name), Figures.count(step.count), Figures.count(step.failed)]
                        + cells(step.duration)))
        }
        return lines + rest(steps.count)
    }

    private func checkTable() -> [String] {
        let checks = statistics.checks.sorted { $0.key < $1.key }
        var lines = [Markdown.row(["check", "passed", "failed", ""]), Markdown.row(["---", "---:", "---:", "---:"])]
        for (name, counts) in checks.prefix(Self.markdownRows) {
            lines.append(
                Markdown.row([
                    (counts.failed == 0 ? "✅ " : "❌ ") + Markdown.code(name), Figures.count(counts.passed),
                    Figures.count(counts.failed), Figures.percent(counts.passed, of: counts.count),
                ]))
        }
        return lines + rest(checks.count)
    }

    private func metricTable() -> [String] {
        let metrics = statistics.metrics.sorted { $0.key < $1.key }
        var lines = [Markdown.row(["metric", ""]), Markdown.row(["---", "---"])]
        for (name, metric) in metrics.prefix(Self.markdownRows) {
            lines.append(
                Markdown.row([Markdown.code(name), Markdown.code(GroupedText.metricText(metric, rate: rate(of:)))]))
        }
        return lines + rest(metrics.count)
    }

    func rest(_ count: Int) -> [String] {
        count > Self.markdownRows ? ["", "… and \(Figures.count(count - Self.markdownRows)) more"] : []
    }

    private func iterationTable() -> [String] {
        let iterations = statistics.iterations
        let counts = [iterations.ok, iterations.failed, iterations.skipped, iterations.interrupted].map(Figures.count)
        var lines = [
            Markdown.row(["iterations", "ok", "failed", "skipped", "interrupted"] + Self.columns.map(\.name)),
            Markdown.row(["---"] + Array(repeating: "---:", count: Self.columns.count + 4)),
            Markdown.row(["service time"] + counts + cells(statistics.service)),
        ]
        let arrivals = statistics.arrivals
        guard arrivals != ArrivalCounts() else { return lines }
        lines.append(Markdown.row(["response time"] + counts.map { _ in "" } + cells(statistics.response)))
        let planned = max(arrivals.planned, plan.arrivals?.poisson == true ? 0 : arrivalsOfPlan ?? 0)
        let missing = planned - arrivals.planned
        return lines + [
            "",
            "\(Figures.count(planned)) arrivals\(arrivalRate.map { " (\(Figures.rate($0))/s)" } ?? ""), "
                + (missing > 0 ? "\(Figures.count(missing)) of them missing, " : "") + arrivals.unmade,
        ]
    }

    func cells(_ times: Histogram) -> [String] {
        Self.columns.map { column in
            guard let value = times.percentile(column.fraction) else { return "–" }
            return Figures.fixed(Double(value) / 1e6, value < 10_000_000 ? 2 : 1)
        }
    }

    private func problems(_ title: String, _ groups: [String: Occurrences]) -> [String] {
        guard !groups.isEmpty else { return [] }
        let ranked = groups.byFrequency
        var lines = ["<details><summary>\(title)</summary>", ""]
        for (key, occurrences) in ranked.prefix(Self.markdownRows) {
            let sample = occurrences.sample.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
            lines.append(
                "- \(Figures.count(occurrences.count)) × \(Markdown.code(key)): "
                    + Markdown.code(sample.shortened(to: 200)))
        }
        if ranked.count > Self.markdownRows { lines.append("- … and \(ranked.count - Self.markdownRows) more") }
        return lines + ["", "</details>", ""]
    }

    static let columns: [(name: String, fraction: Double)] = [
        ("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1),
    ]
    /// Rows of a table at most: a comment has 65,536 characters.
    static let markdownRows = 40
}

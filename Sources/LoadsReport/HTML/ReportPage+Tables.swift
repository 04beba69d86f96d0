internal import LoadsCore

/// What was measured under a name, as tables.
extension ReportPage {
    private static let percentiles: [(name: String, fraction: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("max", 1),
    ]
    private static let percentileNames = percentiles.map(\.name)

    private func cells(_ times: Histogram, _ unit: TimeUnit) -> [String] {
        Self.percentiles.map { times.percentile($0.fraction).map { unit.format(Double($0)) } ?? "–" }
    }

    private func rate(_ count: Int) -> String { Figures.rate(summary.rate(of: count)) }

    private func counts(_ count: Int, failed: Int) -> [String] {
        [Figures.count(count), rate(count), Figures.count(failed), Figures.percent(failed, of: count)]
    }

    func writeNames(_ html: inout HTMLWriter) {
        let names = statistics.namesByCount.filter { $0.value.count > 0 }
        guard !names.isEmpty else { return }
        let unit = TimeUnit(of: names.map(\.value.latency))
        func row(_ name: String, _ hits: NameStatistics, _ isOurs: Bool) -> HTMLTable.Row {
            HTMLTable.Row(
                name: name, cells: counts(hits.count, failed: hits.failed) + cells(hits.latency, unit),
                isBad: hits.failed > 0, isOurs: isOurs)
        }
        var rows = HTMLTable.rows(names, of: "name", NameStatistics(), { $0.merge($1) }, row)
        if names.count > 1 { rows.append(row("all", statistics.hits, true)) }
        HTMLTable(columns: ["name", "hits", "per s", "failed", "share"] + Self.percentileNames, rows: rows)
            .write("Hits by name, latency in \(unit.name)", id: "names", &html)
    }

    /// What was answered, and in which phases the time went.
    func writeStatuses(_ html: inout HTMLWriter) {
        let hits = statistics.hits
        guard hits.count > 0 else { return }
        let answered = hits.status.values.reduce(0, +)
        var rows = hits.status.sorted { $0.key < $1.key }.prefix(HTMLTable.limit).map { code, count in
            HTMLTable.Row(
                name: "\(code)", cells: [Figures.count(count), Figures.percent(count, of: hits.count)],
                isBad: code >= 400)
        }
        if hits.count > answered {
            rows.append(
                HTMLTable.Row(
                    name: "no response",
                    cells: [
                        Figures.count(hits.count - answered), Figures.percent(hits.count - answered, of: hits.count),
                    ], isBad: true, isOurs: true))
        }
        html.element("div", ["class": "pair"]) { html in
            HTMLTable(columns: ["status", "hits", "share"], rows: rows).write("Responses", id: "statuses", &html)
            let phases = zip(Phases.names, hits.phases).filter { $0.1.max > 0 }
            guard !phases.isEmpty else { return }
            let unit = TimeUnit(of: phases.map(\.1))
            HTMLTable(
                columns: ["phase"] + Self.percentileNames,
                rows: phases.map { HTMLTable.Row(name: $0, cells: cells($1, unit)) }
            ).write("Where the time went, in \(unit.name)", id: "phases", &html)
        }
    }

    /// How the arrivals of the plan came out.
    var arrivalWords: String {
        let arrivals = statistics.arrivals
        var parts = [
            "\(Figures.count(arrivals.started)) started",
            "\(Figures.count(arrivals.dropped)) dropped"
                + (arrivals.dropped > 0 ? " (\(Figures.percent(arrivals.dropped, of: arrivals.judged)))" : "")
                + (arrivals.cancelled > 0 ? ", \(Figures.count(arrivals.cancelled)) cancelled with the run" : ""),
        ]
        if let all = summary.arrivalsOfPlan, summary.plan.arrivals?.poisson != true, all > arrivals.planned {
            parts.append("the plan has \(Figures.count(all))")
        }
        let rate = summary.arrivalRate.map { "\(Figures.rate($0))/s planned; " } ?? ""
        return rate + parts.joined(separator: ", ")
    }

    /// The times of iterations; of arrivals both of them, one below the other.
    func writeIterations(_ html: inout HTMLWriter) {
        let isOpen = statistics.arrivals != ArrivalCounts()
        let all = [
            ("response time", "from when they were due", statistics.response),
            ("service time", "from their start", statistics.service),
            ("wait for a user", "of those that waited", statistics.userWait),
            ("schedule lag", "the generator's own", statistics.scheduleLag),
        ]
        let rows = all.prefix(isOpen ? 4 : 2).filter { !$0.2.isEmpty }
        guard !rows.isEmpty else { return }
        HTMLTable(
            columns: ["time", "measured", "count", "min", "mean"] + Self.percentileNames, words: [1],
            rows: rows.map { name, about, times in
                HTMLTable.Row(
                    name: name,
                    cells: [about, Figures.count(Int(times.count))]
                        + ([Double(times.min), times.mean]
                        + Self.percentiles.map { Double(times.percentile($0.fraction) ?? 0) })
                        .map { Figures.time(nanoseconds: $0) }, isOurs: true)
            }
        ).write(
            isOpen ? "Iterations: response and service time" : "Iterations: service time", id: "iterations", &html)
    }

    func writeScenarios(_ html: inout HTMLWriter) {
        let scenarios = statistics.scenarios.filter { $0.value.iterations.started > 0 || $0.value.arrivals.planned > 0 }
            .sorted { $0.key < $1.key }
        guard !scenarios.isEmpty else { return }
        let unit = TimeUnit(of: scenarios.map(\.value.felt))
        func row(_ name: String, _ one: ScenarioStatistics, _ isOurs: Bool) -> HTMLTable.Row {
            let hasArrivals = one.arrivals != ArrivalCounts()
            return HTMLTable.Row(
                name: name,
                cells: [
                    Figures.count(one.iterations.started),
                    summary.rate(of: one.iterations.started, scenario: name).map(Figures.rate) ?? "–",
                    Figures.count(one.iterations.failed), hasArrivals ? Figures.count(one.arrivals.planned) : "–",
                    hasArrivals ? Figures.count(one.arrivals.dropped) : "–",
                ] + cells(one.felt, unit), isBad: one.iterations.failed > 0 || one.arrivals.dropped > 0,
                isOurs: isOurs)
        }
        let rows = HTMLTable.rows(scenarios, of: "scenario", ScenarioStatistics(), { $0.merge($1) }, row)
        HTMLTable(
            columns: ["scenario", "iterations", "per s", "failed", "arrivals", "dropped"] + Self.percentileNames,
            rows: rows
        ).write("Scenarios, iterations in \(unit.name)", id: "scenarios", &html)
    }

    func writeSteps(_ html: inout HTMLWriter) {
        let steps = statistics.steps.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
        guard !steps.isEmpty else { return }
        let unit = TimeUnit(of: steps.map(\.value.duration))
        func row(_ name: String, _ step: StepStatistics, _ isOurs: Bool) -> HTMLTable.Row {
            HTMLTable.Row(
                name: name, cells: counts(step.count, failed: step.failed) + cells(step.duration, unit),
                isBad: step.failed > 0, isOurs: isOurs)
        }
        let rows = HTMLTable.rows(steps, of: "step", StepStatistics(), { $0.merge($1) }, row)
        HTMLTable(columns: ["step", "count", "per s", "failed", "share"] + Self.percentileNames, rows: rows)
            .write("Steps, duration in \(unit.name)", id: "steps", &html)
    }

    func writeChecks(_ html: inout HTMLWriter) {
        let checks = statistics.checks.sorted { $0.key < $1.key }
        guard !checks.isEmpty else { return }
        func row(_ name: String, _ counts: CheckCounts, _ isOurs: Bool) -> HTMLTable.Row {
            HTMLTable.Row(
                name: name,
                cells: [
                    Figures.count(counts.passed), Figures.count(counts.failed),
                    Figures.percent(counts.passed, of: counts.count),
                ], isBad: counts.failed > 0, isOurs: isOurs)
        }
        let rows = HTMLTable.rows(checks, of: "check", CheckCounts(), { $0.merge($1) }, row)
        HTMLTable(columns: ["check", "passed", "failed", "share that passed"], rows: rows)
            .write("Checks", id: "checks", &html)
    }

    func writeMetrics(_ html: inout HTMLWriter) {
        let metrics = statistics.metrics.sorted { $0.key < $1.key }
        guard !metrics.isEmpty else { return }
        var rows = metrics.prefix(HTMLTable.limit).map { name, metric in
            HTMLTable.Row(
                name: name,
                cells: [
                    metric.kind.rawValue, Figures.count(metric.count),
                    GroupedText.metricText(metric, rate: summary.rate(of:)),
                ])
        }
        let rest = metrics.count - rows.count
        if rest > 0 {
            rows.append(
                HTMLTable.Row(
                    name: "\(Figures.count(rest, "more metric"))",
                    cells: [
                        "", Figures.count(metrics.suffix(rest).reduce(0) { $0 + $1.value.count }),
                        "of several kinds and units: --json FILE has them",
                    ], isOurs: true))
        }
        HTMLTable(columns: ["metric", "kind", "values", "what came of them"], words: [1, 3], rows: rows)
            .write("Metrics", id: "metrics", &html)
    }
}

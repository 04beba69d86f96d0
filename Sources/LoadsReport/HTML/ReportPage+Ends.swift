internal import LoadsCore
internal import LoadsEventLoop

/// What went wrong, and who made the load.
extension ReportPage {
    /// Groups of errors, or of failures.
    func writeProblems(
        _ title: String, _ key: String, _ groups: [String: Occurrences], id: String, _ html: inout HTMLWriter
    ) {
        guard !groups.isEmpty else { return }
        let ranked = groups.byFrequency
        var rows = ranked.prefix(Self.groupLimit).map { name, group in
            HTMLTable.Row(
                name: name,
                cells: [
                    Figures.count(group.count), Self.time(group.first), Self.time(group.last), group.sample,
                ], isBad: true)
        }
        let rest = ranked.dropFirst(Self.groupLimit)
        if !rest.isEmpty {
            rows.append(
                HTMLTable.Row(
                    name: "\(Figures.count(rest.count, "more group")), summed up",
                    cells: [
                        Figures.count(rest.reduce(0) { $0 + $1.value.count }),
                        Self.time(rest.map(\.value.first).min() ?? 0), Self.time(rest.map(\.value.last).max() ?? 0),
                        "--json FILE has them all",
                    ], isOurs: true))
        }
        HTMLTable(columns: [key, "count", "first at", "last at", "the first one"], words: [4], rows: rows)
            .write(title, id: id, &html)
    }

    /// What was measured while the run warmed up: in no other table.
    func writeWarmUp(_ html: inout HTMLWriter) {
        guard let warmUp = statistics.warmUp else { return }
        let hits = warmUp.hits
        func time(_ times: Histogram, _ fraction: Double) -> String {
            times.percentile(fraction).map { Figures.time(nanoseconds: Double($0)) } ?? "–"
        }
        func row(_ name: String, _ count: Int, _ failed: Int, _ times: Histogram) -> HTMLTable.Row {
            HTMLTable.Row(
                name: name,
                cells: [Figures.count(count), Figures.count(failed)]
                    + [0.5, 0.9, 0.95, 0.99, 1].map { time(times, $0) }, isBad: failed > 0, isOurs: true)
        }
        var rows = [row("iterations", warmUp.iterations.started, warmUp.iterations.failed, warmUp.iterationTimes)]
        if hits.count > 0 { rows.append(row("hits", hits.count, hits.failed, hits.latency)) }
        HTMLTable(columns: ["what", "count", "failed", "p50", "p90", "p95", "p99", "max"], rows: rows)
            .write("Warm-up of \(DurationText.text(summary.plan.warmUp)), in no other table", id: "warm-up", &html)
    }

    func writeAgents(_ html: inout HTMLWriter) {
        guard !summary.agents.isEmpty else { return }
        func row(_ agent: AgentShare) -> HTMLTable.Row {
            let usage = agent.usage.map { usage in
                "\(Figures.fixed(usage.seconds > 0 ? usage.cpuSeconds / usage.seconds : 0, 2)) of \(usage.cores)"
            }
            return HTMLTable.Row(
                name: agent.name,
                cells: [
                    Figures.count(agent.users), Figures.count(agent.iterations.ended), Figures.count(agent.hits),
                    usage ?? "–", agent.state.rawValue, agent.missing?.sentence ?? "nothing",
                ], isBad: agent.missing != nil || agent.state == .lost || agent.state == .crashed)
        }
        // Those of which something is missing are never among the rest.
        let ranked =
            summary.agents.filter { $0.missing != nil || $0.state != .finished }
            + summary.agents.filter { $0.missing == nil && $0.state == .finished }
        let shown = ranked.count > HTMLTable.limit ? ranked[..<HTMLTable.limit] : summary.agents[...]
        var rows = shown.map(row)
        let rest = ranked.dropFirst(shown.count)
        if !rest.isEmpty {
            let holes = rest.count { $0.missing != nil }
            rows.append(
                HTMLTable.Row(
                    name: "\(Figures.count(rest.count, "more agent")), summed up",
                    cells: [
                        Figures.count(rest.reduce(0) { $0 + $1.users }),
                        Figures.count(rest.reduce(0) { $0 + $1.iterations.ended }),
                        Figures.count(rest.reduce(0) { $0 + $1.hits }), "–", "–",
                        holes == 0 ? "nothing" : "something of \(Figures.count(holes))",
                    ], isBad: holes > 0, isOurs: true))
        }
        HTMLTable(
            columns: ["agent", "users", "iterations", "hits", "cores used", "state", "missing"], words: [5, 6],
            rows: rows
        ).write(summary.agents.count == 1 ? "Agent" : "Agents", id: "agents", &html)
    }

    /// What the generator says of itself.
    func writeGenerator(_ html: inout HTMLWriter) {
        let health = statistics.health
        func time(_ nanoseconds: Int64) -> String { Figures.time(nanoseconds: Double(nanoseconds)) }
        let share = summary.duration > 0 ? health.cpuSeconds / summary.duration * 100 : 0
        var rows = [
            (
                "CPU time",
                "\(Figures.time(nanoseconds: health.cpuSeconds * 1e9)), \(Figures.fixed(share, 0)) % of a core"
            ),
            ("most memory of a runner", Figures.bytes(health.peakResidentBytes)),
            ("worst lag of a loop", time(health.lag.worst)),
            ("longest piece of work on a loop", time(health.lag.longestJob)),
        ]
        if let lag = statistics.scheduleLag.percentile(0.99) { rows.append(("schedule lag, p99", time(lag))) }
        HTMLTable(
            columns: ["what", "figure"], rows: rows.map { HTMLTable.Row(name: $0.0, cells: [$0.1], isOurs: true) }
        ).write("The generator", id: "generator", &html)
    }

    private static func time(_ seconds: Double) -> String { Figures.time(nanoseconds: seconds * 1e9) }

    /// Groups of errors, and of failures, shown at most.
    private static let groupLimit = 50
}

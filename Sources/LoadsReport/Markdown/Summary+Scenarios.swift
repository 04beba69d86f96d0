internal import LoadsCore

extension Summary {
    /// A row for each scenario of a mix, with the times that a visitor felt: of arrivals from when they were due. Below it the
    /// arrivals of those that have a rate.
    func scenarioTable() -> [String] {
        let all = statistics.scenarios.sorted { $0.key < $1.key }
        let ran = all.filter { $0.value.iterations.started > 0 }
        var lines = [
            Markdown.row(["scenario", "iterations", "failed", "/s"] + Self.columns.map(\.name)),
            Markdown.row(["---"] + Array(repeating: "---:", count: Self.columns.count + 3)),
        ]
        for (name, own) in ran.prefix(Self.markdownRows) {
            lines.append(
                Markdown.row(
                    [
                        Markdown.code(name), Figures.count(own.iterations.started),
                        Figures.count(own.iterations.failed),
                        rate(of: own.iterations.started, scenario: name).map(Figures.rate) ?? "–",
                    ] + cells(own.felt)))
        }
        lines += rest(ran.count)
        let arriving = all.filter { $0.value.arrivals != ArrivalCounts() }
        if !arriving.isEmpty { lines.append("") }
        return lines
            + arriving.prefix(Self.markdownRows).map { name, own in
                "- \(Markdown.code(name)): \(Figures.count(own.arrivals.planned)) arrivals, \(own.arrivals.unmade)"
            }
    }
}

extension ArrivalCounts {
    /// How many of them did not become iterations: `3 dropped (20.0 %)`.
    var unmade: String {
        "\(Figures.count(dropped)) dropped (\(Figures.percent(dropped, of: judged)))"
            + (cancelled > 0 ? ", \(Figures.count(cancelled)) cancelled with the run" : "")
    }
}

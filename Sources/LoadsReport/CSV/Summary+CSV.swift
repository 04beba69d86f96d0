public import LoadsCore

extension Summary {
    /// The summary as comma-separated values: a line a name, step and check, one for all hits and one for the iterations, and of a
    /// mix a line or two a scenario.
    /// `Docs/Outputs.md` lists the columns.
    public func csv() -> [UInt8] {
        let columns = DistributionColumns.all
        var csv = CSVWriter()
        csv.row(
            ["kind", "name", "count", "failed", "rate_per_s", "requests", "bytes_sent", "bytes_received"]
                + columns.names)
        func rate(_ count: Int) -> String { Decimal.text(self.rate(of: count), decimals: 3) }
        func row(_ kind: String, _ name: String, _ hits: NameStatistics) {
            csv.row(
                [
                    kind, name, "\(hits.count)", "\(hits.failed)", rate(hits.count), "\(hits.requests)",
                    "\(hits.bytesSent)", "\(hits.bytesReceived)",
                ] + columns.fields(hits.latency))
        }
        for (name, hits) in statistics.namesByCount { row("hits", name, hits) }
        row("all", "", statistics.hits)
        for (name, step) in statistics.steps.sorted(by: { $0.key < $1.key }) {
            csv.row(
                ["steps", name, "\(step.count)", "\(step.failed)", rate(step.count), "", "", ""]
                    + columns.fields(step.duration))
        }
        for (name, checks) in statistics.checks.sorted(by: { $0.key < $1.key }) {
            csv.row(
                ["checks", name, "\(checks.count)", "\(checks.failed)", rate(checks.count), "", "", ""]
                    + columns.fields(Histogram()))
        }
        let iterations = statistics.iterations
        csv.row(
            ["iterations", "", "\(iterations.ended)", "\(iterations.failed)", rate(iterations.ended), "", "", ""]
                + columns.fields(statistics.service))
        let arrivals = statistics.arrivals
        if arrivals != ArrivalCounts() {
            csv.row(
                ["arrivals", "", "\(arrivals.planned)", "\(arrivals.dropped)", "", "", "", ""]
                    + columns.fields(statistics.response))
        }
        for (name, own) in statistics.scenarios.sorted(by: { $0.key < $1.key }) { rows(of: own, name, &csv) }
        return csv.bytes
    }

    /// A scenario of a mix: its iterations, and its arrivals. Scenarios that share a rate have these together, in a line under all
    /// their names; then their own lines have the times, and no counts.
    private func rows(of scenario: ScenarioStatistics, _ name: String, _ csv: inout CSVWriter) {
        func row(_ kind: String, _ count: Int?, _ failed: Int?, _ times: Histogram, rate: Double? = nil) {
            let rate = rate.map { Decimal.text($0, decimals: 3) }
            let counts = [count.map(String.init), failed.map(String.init), rate].map { $0 ?? "" }
            csv.row([kind, name] + counts + ["", "", ""] + DistributionColumns.all.fields(times))
        }
        let (iterations, arrivals) = (scenario.iterations, scenario.arrivals)
        if iterations.started > 0 {
            row(
                "scenarios", iterations.ended, iterations.failed, scenario.service,
                rate: rate(of: iterations.ended, scenario: name))
        }
        if arrivals != ArrivalCounts() {
            row("scenario_arrivals", arrivals.planned, arrivals.dropped, scenario.response)
        } else if !scenario.response.isEmpty {
            row("scenario_arrivals", nil, nil, scenario.response)
        }
    }
}

public import LoadsCore

extension Summary {
    /// The summary as comma-separated values: a line a name, step and check, one for all hits and one for the iterations.
    /// `Docs/Outputs.md` lists the columns.
    public func csv() -> [UInt8] {
        let columns = DistributionColumns.all
        var csv = CSVWriter()
        csv.row(
            ["kind", "name", "count", "failed", "rate_per_s", "requests", "bytes_sent", "bytes_received"]
                + columns.names)
        func rate(_ count: Int) -> String { Decimal.text(duration > 0 ? Double(count) / duration : 0, decimals: 3) }
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
                ["arrivals", "", "\(arrivals.planned)", "\(arrivals.dropped)", rate(arrivals.planned), "", "", ""]
                    + columns.fields(statistics.response))
        }
        return csv.bytes
    }
}

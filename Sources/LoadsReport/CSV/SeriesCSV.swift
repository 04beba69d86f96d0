import LoadsCore

/// A run second by second as comma-separated values: for each second a line a name, step and check, one for all
/// hits and one for the iterations. `Docs/Outputs.md` lists the columns.
struct SeriesCSV {
    private var csv = CSVWriter()
    private let start: Double
    private static let columns = DistributionColumns.few

    /// - Parameter start: When the run began, in seconds since 1970.
    init(start: Double) {
        self.start = start
        csv.row(["second", "time", "kind", "name", "users", "count", "failed"] + Self.columns.names)
    }

    mutating func add(second: Int, _ statistics: Statistics) {
        let place = ["\(second)", Timestamp.utc(start + Double(second))]
        func row(_ kind: String, _ name: String, _ count: Int, _ failed: Int, _ times: Histogram) {
            csv.row(
                place + [kind, name, "\(statistics.users)", "\(count)", "\(failed)"] + Self.columns.fields(times))
        }
        for (name, hits) in statistics.namesByCount { row("hits", name, hits.count, hits.failed, hits.latency) }
        let hits = statistics.hits
        row("all", "", hits.count, hits.failed, hits.latency)
        for (name, step) in statistics.steps.sorted(by: { $0.key < $1.key }) {
            row("steps", name, step.count, step.failed, step.duration)
        }
        for (name, checks) in statistics.checks.sorted(by: { $0.key < $1.key }) {
            row("checks", name, checks.count, checks.failed, Histogram())
        }
        row("iterations", "", statistics.iterations.ended, statistics.iterations.failed, statistics.service)
        let arrivals = statistics.arrivals
        if arrivals != ArrivalCounts() {
            row("arrivals", "", arrivals.planned, arrivals.dropped, statistics.response)
        }
    }

    /// What has been added since the last call.
    mutating func take() -> [UInt8] { csv.take() }
}

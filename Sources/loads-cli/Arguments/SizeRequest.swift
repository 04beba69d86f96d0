import LoadsCore
import LoadsWire

/// A search for a limit as it was asked for: everything judged, nothing started.
struct SizeRequest: Sendable {
    /// What is run; its users are the first that are tried.
    var run: CheckedRun
    /// How long each step takes.
    var duration: Duration
    /// The most users that are tried.
    var largest: Int
    /// How near the limit is to be found, as a share of it.
    var precision: Double

    static let defaultDuration = Duration.seconds(10)
    static let defaultLargest = 10_000

    /// - Throws: ``UsageError`` with all problems at once.
    init(_ run: CheckedRun, to: String?, precision: String?) throws(UsageError) {
        var read = Readings()
        self.run = run
        duration = Self.defaultDuration
        if run.thresholds.isEmpty {
            read.complain("no --expect: name what the target must keep to (try --expect 'p95 < 200ms')")
        }
        if run.plan.cycles.count > 1 { read.complain("--users: a search has one number to begin with, no cycles") }
        switch run.plan.cycles[0].amount {
        case .duration(let length): duration = length
        case .iterations(1): break
        case .iterations(let count):
            read.complain("--iterations \(count): the steps of a search have a length (try --duration 10s)")
        }
        if run.outputs.files[.stream] != nil || run.publish != nil {
            read.complain("--stream: a search has many runs; stream one of them (`loads run`)")
        }
        for name in run.outputs.wanted where name != "json" && name != "stream" {
            read.complain("--\(name): a search has many runs; have it of one of them (`loads run`)")
        }
        if run.remote?.detach == true { read.complain("--detach: somebody must stay to decide what to try next") }
        largest = Self.defaultLargest
        if let to {
            let given = Settings.Given(text: to, label: "--to")
            largest = read.count(given, upTo: Plan.userLimit) ?? largest
        }
        if run.plan.peakUsers > largest {
            read.complain("--users \(run.plan.peakUsers): more than the most that are tried, \(largest) (--to)")
        }
        if let agents = run.remote?.placement.agents, agents > largest {
            read.complain("--agents \(agents): more than the most users that are tried, \(largest) (--to)")
        }
        self.precision = 0.05
        if let precision {
            let digits = precision.hasSuffix("%") ? precision.dropLast() : precision[...]
            if let share = Double(digits), (0.1...50).contains(share) {
                self.precision = share / 100
            } else {
                read.complain("--precision \(precision): not a share (from 0.1% to 50%)")
            }
        }
        guard read.problems.isEmpty else { throw UsageError(read.problems) }
    }

    /// The run of a step.
    func step(_ load: Int) -> CheckedRun {
        var run = run
        run.plan.cycles = [Plan.Cycle(users: load, amount: .duration(duration))]
        return run
    }
}

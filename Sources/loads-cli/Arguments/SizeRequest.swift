import LoadsCore
import LoadsReport
import LoadsWire

/// A search for a limit as it was asked for: everything judged, nothing started.
struct SizeRequest: Sendable {
    /// What is run; its users are the first that are tried.
    var run: CheckedRun
    /// What a load is counted in.
    var unit: SizeReport.Unit
    /// The first load that is tried.
    var first: Int
    /// How long each step takes.
    var duration: Duration
    /// The most that is tried.
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
        (unit, first) = Self.load(of: run.plan, &duration, &read)
        if run.outputs.files[.stream] != nil || run.publish != nil {
            read.complain("--stream: a search has many runs; stream one of them (`loads run`)")
        }
        for name in run.outputs.wanted where name != "json" && name != "stream" {
            read.complain("--\(name): a search has many runs; have it of one of them (`loads run`)")
        }
        if run.remote?.detach == true { read.complain("--detach: somebody must stay to decide what to try next") }
        let given = to.map { Settings.Given(text: $0, label: "--to") }
        if let one = unit.rate(1) {
            let rate = read.rate(given) ?? .perSecond(Self.defaultLargest)
            largest = Int(rate.microPerHour / one.microPerHour)
        } else {
            largest = read.count(given, upTo: Plan.userLimit) ?? Self.defaultLargest
        }
        if first > largest {
            let begin = unit.rate(first)?.text ?? "\(first)"
            read.complain("--to \(to ?? "\(largest)"): less than the load to begin with, \(begin)")
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

    private static func load(
        of plan: Plan, _ duration: inout Duration, _ read: inout Readings
    ) -> (SizeReport.Unit, Int) {
        switch plan.model {
        case .cycles(let cycles):
            if cycles.count > 1 { read.complain("--users: a search has one number to begin with, no cycles") }
            switch cycles[0].amount {
            case .duration(let length): duration = length
            case .iterations(1): break
            case .iterations(let count):
                read.complain("--iterations \(count): the steps of a search have a length (try --duration 10s)")
            }
            return (.users, cycles[0].users)
        case .arrivals(let arrivals) where arrivals.isConstant:
            duration = arrivals.length
            let rate = arrivals.stages[1].rate
            if let first = SizeReport.Unit.of(rate) { return first }
            read.complain("--rate \(rate.text): a search has whole arrivals an hour at least (try 90/m)")
            return (.rate, 1)
        case .users, .arrivals, .mix:
            read.complain("--stages: each step of a search has one load and no mix (try -c 10, or --rate 100/s)")
            return (.users, 1)
        }
    }

    /// The run of a step.
    func step(_ load: Int) -> CheckedRun {
        var run = run
        guard var arrivals = run.plan.arrivals else {
            run.plan.cycles = [Plan.Cycle(users: load, amount: .duration(duration))]
            return run
        }
        // Who has said nothing gets as many users as the rate of the step may need.
        let isStandard = arrivals.maxUsers == Arrivals.standardMaxUsers(for: arrivals.stages)
        let queue = arrivals.queue == Arrivals.standardQueue(for: arrivals.maxUsers) ? nil : arrivals.queue
        for index in arrivals.stages.indices { arrivals.stages[index].rate = unit.rate(load) ?? .perSecond(load) }
        if isStandard {
            arrivals = Arrivals(
                stages: arrivals.stages, queue: queue, poisson: arrivals.poisson, seed: arrivals.seed)
        }
        run.plan.model = .arrivals(arrivals)
        return run
    }
}

extension Arrivals {
    /// Whether they come at one rate, after a ramp at most.
    fileprivate var isConstant: Bool { stages.count == 2 && stages[0].rate == stages[1].rate }
}

public import LoadsCore

/// What a search for the limit has found, and how it went.
public struct SizeReport: Sendable {
    /// As the user named it.
    public var target: String
    /// What a load is counted in.
    public var unit: Unit
    /// What the target was to keep to at each load.
    public var thresholds: [Threshold]
    /// In the order in which they were tried.
    public var steps: [SizeStep]
    /// What came of the search.
    public var result: SizeSearch.Result

    /// What a load can be counted in.
    public enum Unit: String, Sendable, CaseIterable {
        /// Users at the same time.
        case users
        /// Arrivals a second.
        case rate = "per_s"
        /// Arrivals a minute.
        case perMinute = "per_min"
        /// Arrivals an hour.
        case perHour = "per_h"

        /// What so many are as a rate; nil for users.
        public func rate(_ load: Int) -> ArrivalRate? {
            sign.map { ArrivalRate(microPerHour: Int64(load) * $0.micro) }
        }

        /// The coarsest unit in which a rate is a whole number, and that number; nil for one that is none in any.
        public static func of(_ rate: ArrivalRate) -> (unit: Unit, load: Int)? {
            for unit in [Unit.rate, .perMinute, .perHour] {
                let (load, rest) = rate.microPerHour.quotientAndRemainder(dividingBy: unit.sign!.micro)
                if rest == 0, load > 0 { return (unit, Int(load)) }
            }
            return nil
        }

        /// What stands behind the number, and one of it in millionths an hour.
        fileprivate var sign: (text: String, micro: Int64)? {
            switch self {
            case .users: nil
            case .rate: ("/s", 3_600_000_000)
            case .perMinute: ("/m", 60_000_000)
            case .perHour: ("/h", 1_000_000)
            }
        }
    }

    /// - Parameter steps: In the order in which they were tried.
    public init(
        target: String, unit: Unit, thresholds: [Threshold], steps: [SizeStep], result: SizeSearch.Result
    ) {
        self.target = target
        self.unit = unit
        self.thresholds = thresholds
        self.steps = steps
        self.result = result
    }

    /// Whether every threshold could be judged in the step that the result rests on.
    public var isJudged: Bool { decisive?.summary.thresholds.allSatisfy { $0.state != .unjudged } ?? true }

    /// The last step that was kept, or unclear; without one the last. One that was stopped, by a threshold too, may have been too
    /// short for others.
    var decisive: SizeStep? {
        let whole = steps.filter { !$0.summary.interrupted }
        return whole.last { $0.outcome == .kept || $0.outcome == .unclear } ?? whole.last
    }

    /// The step that says most of a load: the confirmation if there was one.
    func step(of load: Int) -> SizeStep? { steps.last { $0.load == load } }

    /// For each load the last step, by load.
    var curve: [SizeStep] {
        Dictionary(steps.map { ($0.load, $0) }) { $1 }.values.sorted { $0.load < $1.load }
    }

    func text(_ load: Int) -> String {
        unit.sign.map { Figures.count(load) + $0.text } ?? Figures.count(load, "user")
    }

    /// What stands above the loads of a table.
    var heading: String { unit.sign.map { "arrivals" + $0.text } ?? "users" }
}

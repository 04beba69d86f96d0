public import LoadsCore

/// What a search for the limit has found, and how it went.
public struct SizeReport: Sendable {
    public var target: String
    /// What a load is counted in.
    public var unit: Unit
    public var thresholds: [Threshold]
    /// In the order in which they were tried.
    public var steps: [SizeStep]
    public var result: SizeSearch.Result

    public enum Unit: String, Sendable, CaseIterable {
        case users
        /// Arrivals a second.
        case rate = "per_s"
    }

    public init(
        target: String, unit: Unit, thresholds: [Threshold], steps: [SizeStep], result: SizeSearch.Result
    ) {
        self.target = target
        self.unit = unit
        self.thresholds = thresholds
        self.steps = steps
        self.result = result
    }

    /// The step that says most of a load: the confirmation if there was one.
    func step(of load: Int) -> SizeStep? { steps.last { $0.load == load } }

    /// For each load the last step, by load.
    var curve: [SizeStep] {
        Dictionary(steps.map { ($0.load, $0) }) { $1 }.values.sorted { $0.load < $1.load }
    }

    func text(_ load: Int) -> String {
        switch unit {
        case .users: Figures.count(load, "user")
        case .rate: "\(Figures.count(load))/s"
        }
    }
}

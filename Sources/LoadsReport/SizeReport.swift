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

public import LoadsCore
public import LoadsWire

/// What somebody wants to be run.
public struct RunRequest: Sendable {
    /// Names the run; unique on its master.
    public var id: String
    /// As the user named it, for the summary.
    public var target: String
    /// Whether the target is a URL, or several: then a failed hit fails the run.
    public var isURLTarget: Bool
    /// How the agents start its runner.
    public var launch: RunnerLaunch
    /// What the runners are to do together: the plan is the whole run's.
    public var order: RunnerOrder
    /// Which agents carry it out.
    public var placement: Placement
    /// What it must keep to.
    public var thresholds: [Threshold]

    /// - Parameter placement: All agents that are free, unless said.
    public init(
        id: String, target: String, isURLTarget: Bool, launch: RunnerLaunch, order: RunnerOrder,
        placement: Placement = Placement(), thresholds: [Threshold] = []
    ) {
        self.id = id
        self.target = target
        self.isURLTarget = isURLTarget
        self.launch = launch
        self.order = order
        self.placement = placement
        self.thresholds = thresholds
    }
}

/// What came of a request.
public enum RunOutcome: Sendable {
    /// It ran: to its end, until it was stopped, or until its runner crashed.
    case finished(Summary)
    /// It could not be run; the code is the exit code that says so.
    case refused(code: Int, message: String)
}

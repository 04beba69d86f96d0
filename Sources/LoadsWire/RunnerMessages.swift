public import LoadsCore

/// What an agent tells a runner.
public enum RunnerCommand: Sendable, Equatable {
    /// The first command: what to run. The run starts at once.
    case run(RunnerOrder)
    /// End gracefully.
    case stop
    /// End at once.
    case abort
}

/// What a runner is to do.
public struct RunnerOrder: Sendable, Equatable {
    public var plan: Plan
    /// What to run, in the runner's own terms: test identifiers; empty for a runner that knows only one thing.
    public var scenarios: [String]
    /// Further options in the runner's own terms (the URL runner: `url`, `method`, `header` …).
    public var options: [String: [String]]
    public init(plan: Plan, scenarios: [String] = [], options: [String: [String]] = [:]) {
        self.plan = plan
        self.scenarios = scenarios
        self.options = options
    }
}

/// What a runner tells its agent.
public enum RunnerReport: Sendable, Equatable {
    /// First, before the order is read: what the runner is.
    case hello(kind: String, process: Int)
    /// The users start now: time zero of the run.
    case started
    case batch(Batch)
    /// A line for the user.
    case note(String)
    /// The run is over and everything is reported. `seconds` is the time from ``started`` to the last iteration's end.
    case ended(interrupted: Bool, seconds: Double)
    /// The order cannot be carried out; nothing was run. The code is the exit code that says so (65, 69, 70 …).
    case refused(code: Int, message: String)
}

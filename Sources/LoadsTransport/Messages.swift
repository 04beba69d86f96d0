public import LoadsCore
public import LoadsWire

/// What a master tells an agent.
public enum AgentCommand: Sendable {
    case run(AgentOrder)
    case stop(run: String)
    case abort(run: String)
}

/// One run, as one agent carries it out.
public struct AgentOrder: Sendable {
    public var run: String
    public var launch: RunnerLaunch
    public var order: RunnerOrder
    public init(run: String, launch: RunnerLaunch, order: RunnerOrder) {
        self.run = run
        self.launch = launch
        self.order = order
    }
}

/// How to start a runner process.
public struct RunnerLaunch: Sendable, Equatable {
    /// Absolute path.
    public var executable: String
    public var arguments: [String]
    /// Added to the agent's own environment.
    public var environment: [String: String]
    public var directory: String?
    public init(
        executable: String, arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }
}

/// What an agent tells its master.
public enum AgentReport: Sendable {
    /// The runner's users start now.
    case started(run: String)
    /// The batches of a run, numbered from 1 without a gap.
    case batch(run: String, sequence: UInt64, Batch)
    case note(run: String, String)
    case ended(run: String, RunnerEnd)
}

/// How a runner ended.
public enum RunnerEnd: Sendable, Equatable {
    /// `seconds` is the time from the start to the last iteration's end.
    case finished(interrupted: Bool, seconds: Double)
    /// It could not do what was asked; nothing was run.
    case refused(code: Int, message: String)
    case crashed(RunnerCrash)
}

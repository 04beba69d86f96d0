public import LoadsCore

/// What an agent tells a runner.
public enum RunnerCommand: Sendable, Equatable {
    /// The first command: what to run. The run starts at once unless the order says to wait.
    case run(RunnerOrder)
    /// Start a run that waits, at a point of the monotonic clock in nanoseconds (`CLOCK_MONOTONIC`, which runner and
    /// agent share): time 0 of the run.
    case start(at: Int64)
    /// Change the number of users at a point of the monotonic clock.
    case adjust(Adjustment)
    /// Whether batches carry every hit from now on.
    case rawHits(Bool)
    /// End gracefully.
    case stop
    /// End at once.
    case abort
}

/// What a runner is to do.
public struct RunnerOrder: Sendable, Equatable {
    /// What this runner is to do, its share only.
    public var plan: Plan
    /// What to run, in the runner's own terms: test identifiers; empty for a runner that knows only one thing.
    public var scenarios: [String]
    /// Further options in the runner's own terms (the URL runner: `url`, `method`, `header` …).
    public var options: [String: [String]]
    /// Whether the runner says `ready` and waits for `start`.
    public var waits: Bool
    /// What is wanted of the runner.
    public var phase: Phase
    /// Whether the run has a set-up and a tear-down: its master orders each once, on one agent.
    public var hasSetUp: Bool
    /// What the set-up handed over, as bytes of the runner's own; nil without one, and for the set-up itself.
    public var value: [UInt8]?

    /// What a runner does with its scenarios.
    public enum Phase: String, Sendable, CaseIterable {
        /// Play the plan's users.
        case run
        /// What is to be done once before the users of all agents, and report a value for them.
        case setUp = "set_up"
        /// What is to be done once after them.
        case tearDown = "tear_down"
    }

    /// The most bytes of a value.
    public static let valueLimit = 256 << 10

    /// - Parameter waits: Whether it says `ready` and waits for the start.
    public init(
        plan: Plan, scenarios: [String] = [], options: [String: [String]] = [:], waits: Bool = false,
        phase: Phase = .run, hasSetUp: Bool = false, value: [UInt8]? = nil
    ) {
        self.plan = plan
        self.scenarios = scenarios
        self.options = options
        self.waits = waits
        self.phase = phase
        self.hasSetUp = hasSetUp
        self.value = value
    }
}

/// What a runner tells its agent.
public enum RunnerReport: Sendable, Equatable {
    /// First, before the order is read: what the runner is.
    case hello(kind: String, process: Int)
    /// Everything is found and loaded; the users start when the agent says so. Only if the order waits.
    case ready
    /// The users start: time zero of the run. `late` is how far behind the wanted instant, in seconds.
    case started(late: Double)
    /// What was measured since the last one.
    case batch(Batch)
    /// A line for the user.
    case note(String)
    /// What the set-up hands over to all users: at most ``RunnerOrder/valueLimit`` bytes.
    case value([UInt8])
    /// The run is over and everything is reported. `seconds` is the time from ``started`` to the last iteration's end.
    case ended(interrupted: Bool, seconds: Double)
    /// The order cannot be carried out; nothing was run. The code is the exit code that says so (65, 69, 70 …).
    case refused(code: Int, message: String)
}

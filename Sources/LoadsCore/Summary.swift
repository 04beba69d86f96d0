/// Everything a run leaves behind: what was asked, what was measured, and how it ended.
///
/// Reports compute what they show from the full histograms in ``statistics``; nothing here is rounded.
public struct Summary: Sendable {
    public var id: String
    /// The target as the user named it.
    public var target: String
    /// Wall time of the start, in seconds since 1970.
    public var startedAt: Double
    /// From the start to the last iteration's end, in seconds.
    public var duration: Double
    /// Somebody stopped the run before its plan was done.
    public var interrupted: Bool
    public var plan: Plan
    public var statistics: Statistics
    /// Whether the target is a URL: then a failed hit fails the run; otherwise a failed iteration does.
    public var isURLTarget: Bool
    /// What became of a runner that did not end by itself.
    public var crash: RunnerCrash?
    /// What each agent did; empty where nobody kept count of them.
    public var agents: [AgentShare]
    /// How each threshold came out, in the order in which they were given. Whether the numbers can be trusted says
    /// ``verdict``.
    public var thresholds: [ThresholdResult]

    public init(
        id: String, target: String, startedAt: Double, duration: Double, interrupted: Bool, plan: Plan,
        statistics: Statistics, isURLTarget: Bool, crash: RunnerCrash? = nil, agents: [AgentShare] = [],
        thresholds: [ThresholdResult] = []
    ) {
        self.id = id
        self.target = target
        self.startedAt = startedAt
        self.duration = duration
        self.interrupted = interrupted
        self.plan = plan
        self.statistics = statistics
        self.isURLTarget = isURLTarget
        self.crash = crash
        self.agents = agents
        self.thresholds = thresholds
    }
}

/// A runner that died, and the size of the hole it left.
public struct RunnerCrash: Sendable, Equatable {
    /// For a person: `signal 11 (SIGSEGV)`, `exit code 3`.
    public var reason: String
    /// The end of what it wrote to standard error.
    public var output: String
    /// Iterations that had started or ended, and hits, that no batch reported.
    public var unreportedStarted: Int
    public var unreportedEnded: Int
    public var unreportedHits: Int
    public init(reason: String, output: String, unreportedStarted: Int, unreportedEnded: Int, unreportedHits: Int) {
        self.reason = reason
        self.output = output
        self.unreportedStarted = unreportedStarted
        self.unreportedEnded = unreportedEnded
        self.unreportedHits = unreportedHits
    }
}

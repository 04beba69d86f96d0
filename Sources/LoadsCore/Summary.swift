/// Everything a run leaves behind: what was asked, what was measured, and how it ended.
///
/// Reports compute what they show from the full histograms in ``statistics``; nothing here is rounded.
public struct Summary: Sendable {
    /// The run's identifier, under which its master knows it.
    public var id: String
    /// The target as the user named it.
    public var target: String
    /// Wall time of the start, in seconds since 1970.
    public var startedAt: Double
    /// From the start to the last iteration's end, in seconds.
    public var duration: Double
    /// Somebody stopped the run before its plan was done.
    public var interrupted: Bool
    /// As it was asked for: of the whole run, not of one agent.
    public var plan: Plan
    /// All that was measured, of all agents; the warm-up is in ``Statistics/warmUp``.
    public var statistics: Statistics
    /// Whether the target is a URL, or several: then a failed hit fails the run; otherwise a failed iteration does.
    public var isURLTarget: Bool
    /// Whether the target is a program of any language that tells of its hits and iterations itself.
    public var isProgram = false
    /// Why the run was stopped, for a person: `stopped by tarek@laptop`; nil when nobody stopped it, or nobody knows.
    public var stopped: String?
    /// Changes of the number of users or of the rate on the way, in order.
    public var changes: [UserChange] = []
    /// What became of a runner that did not end by itself.
    public var crash: RunnerCrash?
    /// What each agent did; empty where nobody kept count of them.
    public var agents: [AgentShare]
    /// How each threshold came out, in the order in which they were given. Whether the numbers can be trusted says
    /// ``verdict``.
    public var thresholds: [ThresholdResult]
    /// Why the run's tear-down was not done; nil if it was, or there is none.
    public var tearDownFailure: String?

    /// - Parameters:
    ///   - startedAt: Seconds since 1970.
    ///   - duration: Seconds.
    ///   - statistics: Merged over all agents.
    public init(
        id: String, target: String, startedAt: Double, duration: Double, interrupted: Bool, plan: Plan,
        statistics: Statistics, isURLTarget: Bool, crash: RunnerCrash? = nil, agents: [AgentShare] = [],
        thresholds: [ThresholdResult] = [], tearDownFailure: String? = nil
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
        self.tearDownFailure = tearDownFailure
    }

    /// Whether there is nothing to judge: no hit, no step, check or metric, and no iteration that came to an end of its own.
    public var measuredNothing: Bool {
        statistics.hitCount == 0 && statistics.iterations.ended == statistics.iterations.interrupted
            && statistics.steps.isEmpty && statistics.checks.isEmpty && statistics.metrics.isEmpty
    }
}

/// A change of the number of users, or of the arrival rate, while a run goes on.
public struct UserChange: Sendable, Equatable {
    /// Seconds since the users started.
    public var at: Double
    /// Users on all agents together from then on; 0 where the rate was changed.
    public var users: Int
    /// Arrivals on all agents together from then on; nil where the users were changed.
    public var rate: ArrivalRate?

    /// A change of the number of users.
    public init(at: Double, users: Int) {
        self.at = at
        self.users = users
    }

    /// A change of the arrival rate.
    public init(at: Double, rate: ArrivalRate) {
        self.at = at
        users = 0
        self.rate = rate
    }
}

/// A runner that died, and the size of the hole it left.
public struct RunnerCrash: Sendable, Equatable {
    /// For a person: `signal 11 (SIGSEGV)`, `exit code 3`.
    public var reason: String
    /// The end of what it wrote to standard error.
    public var output: String
    /// Iterations that had started and that no batch reported.
    public var unreportedStarted: Int
    /// Iterations that had ended, likewise.
    public var unreportedEnded: Int
    /// Hits, likewise.
    public var unreportedHits: Int
    /// Whether no runner crashed, but agents were lost so that the run broke off.
    public var isLoss = false
    /// - Parameters: Counts of what had happened and was in no batch.
    public init(reason: String, output: String, unreportedStarted: Int, unreportedEnded: Int, unreportedHits: Int) {
        self.reason = reason
        self.output = output
        self.unreportedStarted = unreportedStarted
        self.unreportedEnded = unreportedEnded
        self.unreportedHits = unreportedHits
    }

    /// Agents were lost, and the run broke off. How large the hole is nobody knows.
    public static func lost(_ reason: String) -> RunnerCrash {
        var crash = RunnerCrash(reason: reason, output: "", unreportedStarted: 0, unreportedEnded: 0, unreportedHits: 0)
        crash.isLoss = true
        return crash
    }
}

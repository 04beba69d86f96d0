public import LoadsCore

/// What a client (`loads run --master`, `loads status` …) asks a master on the control channel.
public struct ClientRequest: Sendable, Equatable {
    /// Chosen by the client; every answer to this request carries it.
    public var id: Int
    public var ask: Ask

    /// What a client wants.
    public enum Ask: Sendable, Equatable {
        /// First on every connection; answered by `welcome`.
        case hello(software: String)
        /// Answered by `accepted`, or by `error`. The same run id again is the same run.
        case submit(RunSubmission)
        /// A piece of a file that `accepted` or `credit` asked for; answered by `credit`.
        case upload(FileChunk)
        /// Answered by `status`.
        case status
        /// Answered by one or several `snapshot` that merge to the whole.
        case snapshot(run: String)
        /// Answered by `done`.
        case stop(run: String, abort: Bool)
        /// Changes the number of users, at least 1 s later, on all agents at one instant. Answered by `done`.
        case adjust(run: String, users: Int)
        /// The events of a run from a number on; answered by `log`.
        case log(run: String, from: Int)
    }

    public init(id: Int, ask: Ask) {
        self.id = id
        self.ask = ask
    }
}

/// What a master answers a client.
public struct ClientAnswer: Sendable, Equatable {
    public var id: Int
    public var answer: Answer

    /// What the master says to it.
    public enum Answer: Sendable, Equatable {
        case welcome(MasterWelcome)
        /// The run is queued; files that the master lacks are to be uploaded first.
        case accepted(run: String, missing: [String])
        /// So many bytes of a file are there; 256 KiB more may be sent. `complete` once its hash was found right.
        case credit(hash: String, bytes: Int, complete: Bool)
        case status(ClusterStatus)
        case snapshot(RunSnapshot)
        case done
        case log([LogEntry])
        case error(WireFault)
    }

    public init(id: Int, answer: Answer) {
        self.id = id
        self.answer = answer
    }
}

/// What somebody wants to be run on a master's agents.
public struct RunSubmission: Sendable, Equatable {
    /// Drawn by the client, so that a submission sent twice is one run.
    public var run: String
    /// As the user named it.
    public var target: String
    /// Whether the target is a URL: then a failed hit fails the run.
    public var isURLTarget: Bool
    public var launch: RunnerLaunch
    public var order: RunnerOrder
    public var placement: Placement
    /// Keep every hit in the master's data directory.
    public var keepHits: Bool
    /// What the run must keep to, at most ``Threshold/countLimit``.
    public var thresholds: [Threshold]

    public init(
        run: String, target: String, isURLTarget: Bool, launch: RunnerLaunch, order: RunnerOrder,
        placement: Placement = Placement(), keepHits: Bool = false, thresholds: [Threshold] = []
    ) {
        self.run = run
        self.target = target
        self.isURLTarget = isURLTarget
        self.launch = launch
        self.order = order
        self.placement = placement
        self.keepHits = keepHits
        self.thresholds = thresholds
    }
}

/// Which agents carry out a run, and what happens when one is lost.
public struct Placement: Sendable, Equatable {
    public enum OnLost: String, Sendable, CaseIterable {
        /// The others go on with their share; the summary names the hole.
        case goOn = "continue"
        /// The lost agent's users are added on the others.
        case redistribute
        /// The run is stopped.
        case stop
    }

    /// How many agents; nil is all that are free and fit.
    public var agents: Int?
    /// Labels that an agent must have.
    public var labels: [String: String]
    /// Shares by the agents' cores instead of equal ones.
    public var weighted: Bool
    public var onLost: OnLost
    public init(
        agents: Int? = nil, labels: [String: String] = [:], weighted: Bool = false, onLost: OnLost = .goOn
    ) {
        self.agents = agents
        self.labels = labels
        self.weighted = weighted
        self.onLost = onLost
    }
}

/// Agents and runs, as `loads status` shows them.
public struct ClusterStatus: Sendable, Equatable {
    public var boot: String
    public var agents: [AgentStatus]
    public var runs: [RunStatus]
    public init(boot: String, agents: [AgentStatus], runs: [RunStatus]) {
        self.boot = boot
        self.agents = agents
        self.runs = runs
    }

    public struct AgentStatus: Sendable, Equatable {
        public enum State: String, Sendable, CaseIterable { case idle, busy, silent, lost, gone }
        public var hello: AgentHello
        public var state: State
        /// Seconds since its last sign of life.
        public var silence: Double
        public var usage: HostUsage
        /// Round trip, and how far its clock may be off what the master believes, in seconds; nil before the first beat.
        public var roundTrip: Double?
        public var run: String?
        public init(
            hello: AgentHello, state: State, silence: Double, usage: HostUsage, roundTrip: Double?, run: String?
        ) {
            self.hello = hello
            self.state = state
            self.silence = silence
            self.usage = usage
            self.roundTrip = roundTrip
            self.run = run
        }
    }

    public struct RunStatus: Sendable, Equatable {
        public var run: String
        public var target: String
        public var state: RunState
        /// Wall time of the start, in seconds since 1970; nil before it.
        public var startedAt: Double?
        /// Seconds since the start, to the end if it has ended.
        public var elapsed: Double
        public var users: Int
        public var iterations: IterationCounts
        public var hits: Int
        public var failedHits: Int
        public init(
            run: String, target: String, state: RunState, startedAt: Double?, elapsed: Double, users: Int,
            iterations: IterationCounts, hits: Int, failedHits: Int
        ) {
            self.run = run
            self.target = target
            self.state = state
            self.startedAt = startedAt
            self.elapsed = elapsed
            self.users = users
            self.iterations = iterations
            self.hits = hits
            self.failedHits = failedHits
        }
    }
}

/// Where a run is in its life.
public enum RunState: Sendable, Equatable {
    /// Waiting for files, or for agents.
    case queued
    /// The agents fetch files and start their runners.
    case preparing
    case running
    /// Told to stop, and not over yet.
    case stopping
    /// Over, and everything that can come has come.
    case ended
    /// Could not be run; the code is an exit code of `loads`.
    case refused(code: Int, message: String)
}

/// A run as far as it is, with everything merged: what a late subscriber or an attaching client starts from.
public struct RunSnapshot: Sendable, Equatable {
    public var boot: String
    public var submission: RunSubmission
    public var state: RunState
    /// Wall time of the start, in seconds since 1970; nil before it.
    public var startedAt: Double?
    /// From the start to now, or to the last iteration's end, in seconds.
    public var elapsed: Double
    public var interrupted: Bool
    /// The last sequence number of each of the run's topics that is in the statistics: `hits`, `stats`, `events`.
    public var sequences: [String: UInt64]
    /// Merged over all agents since the start.
    public var statistics: Statistics
    public var agents: [AgentShare]
    public var crash: RunnerCrash?
    /// How the thresholds stand, or how they came out, in the order of the submission.
    public var thresholds: [ThresholdResult]
    /// Several messages make one snapshot when it is large: their statistics merge. The last has `more` false.
    public var more: Bool

    public init(
        boot: String, submission: RunSubmission, state: RunState, startedAt: Double?, elapsed: Double,
        interrupted: Bool, sequences: [String: UInt64], statistics: Statistics, agents: [AgentShare],
        crash: RunnerCrash? = nil, thresholds: [ThresholdResult] = [], more: Bool = false
    ) {
        self.boot = boot
        self.submission = submission
        self.state = state
        self.startedAt = startedAt
        self.elapsed = elapsed
        self.interrupted = interrupted
        self.sequences = sequences
        self.statistics = statistics
        self.agents = agents
        self.crash = crash
        self.thresholds = thresholds
        self.more = more
    }
}

/// An event of a run, as `loads logs` shows it.
public struct LogEntry: Sendable, Equatable {
    /// From 1 on for each run.
    public var number: Int
    /// Wall time, in seconds since 1970.
    public var at: Double
    public var event: RunEvent
    public init(number: Int, at: Double, event: RunEvent) {
        self.number = number
        self.at = at
        self.event = event
    }
}

/// Something that happened in a run.
public struct RunEvent: Sendable, Equatable {
    /// `queued`, `preparing`, `started`, `note`, `adjusted`, `agent-silent`, `agent-back`, `agent-lost`, `agent-ended`,
    /// `crashed`, `hits-dropped`, `disk-full`, `threshold`, `stopping`, `ended`, `refused`.
    public var kind: String
    /// For a person.
    public var text: String
    /// The agent it is about, if it is about one.
    public var agent: String?
    public init(kind: String, text: String, agent: String? = nil) {
        self.kind = kind
        self.text = text
        self.agent = agent
    }
}

public import LoadsCore

/// What a client (`loads run --master`, `loads status` …) asks a master on the control channel.
public struct ClientRequest: Sendable, Equatable {
    /// Chosen by the client; every answer to this request carries it.
    public var id: Int
    /// What is asked for.
    public var ask: Ask

    /// What a client wants.
    public enum Ask: Sendable, Equatable {
        /// First on every connection; answered by `welcome`.
        case hello(software: String)
        /// Answered by `accepted`, or by `error`. The same run id again is the same run.
        case submit(RunSubmission)
        /// A piece of a file that `accepted` or `credit` asked for; answered by `credit`.
        case upload(FileChunk)
        /// Answered by one or several `status` that together are the whole.
        case status
        /// Answered by one or several `snapshot` that merge to the whole.
        case snapshot(run: String)
        /// Answered by `done`. `by` is who wants it, for others who watch the run: `tarek@laptop`.
        case stop(run: String, abort: Bool, by: String? = nil)
        /// Changes the number of users, at least 1 s later, on all agents at one instant. Answered by `done`.
        case adjust(run: String, users: Int)
        /// Changes the arrival rate, at least 1 s later, on all agents at one instant. Answered by `done`.
        case adjustRate(run: String, rate: ArrivalRate)
        /// The events of a run from a number on; answered by `log`.
        case log(run: String, from: Int)
        /// What was measured in each second of a run from a second on; answered by one or several `seconds`.
        case seconds(run: String, from: Int)
    }

    /// - Parameter id: 0 or above, and not yet used on this connection.
    public init(id: Int, ask: Ask) {
        self.id = id
        self.ask = ask
    }
}

/// What a master answers a client.
public struct ClientAnswer: Sendable, Equatable {
    /// The number of the request that it answers.
    public var id: Int
    /// What the master says.
    public var answer: Answer

    /// What the master says to it.
    public enum Answer: Sendable, Equatable {
        /// To `hello`: who the master is.
        case welcome(MasterWelcome)
        /// The run is queued; files that the master lacks are to be uploaded first.
        case accepted(run: String, missing: [String])
        /// So many bytes of a file are there; 256 KiB more may be sent. `complete` once its hash was found right.
        case credit(hash: String, bytes: Int, complete: Bool)
        /// To `status`: agents and runs; several follow one another.
        case status(ClusterStatus)
        /// To `snapshot`: a part of it; several merge to the whole.
        case snapshot(RunSnapshot)
        /// To what is done by that: `stop` and the adjustments.
        case done
        /// To `log`, in the order of their numbers.
        case log([LogEntry])
        /// To `seconds`, in their order; several messages make one answer.
        case seconds(SecondsPage)
        /// The request was not carried out.
        case error(WireFault)

        /// Whether further pieces of the same answer follow.
        public var more: Bool {
            switch self {
            case .status(let status): status.more
            case .snapshot(let snapshot): snapshot.more
            case .seconds(let page): page.more
            default: false
            }
        }

        /// A large answer with its next piece; what is none of the same kind takes its place.
        public func joined(with piece: Answer) -> Answer {
            switch (self, piece) {
            case (.status(var whole), .status(let piece)):
                whole.merge(piece)
                return .status(whole)
            case (.snapshot(var whole), .snapshot(let piece)):
                whole.merge(piece)
                return .snapshot(whole)
            case (.seconds(var whole), .seconds(let piece)):
                whole.merge(piece)
                return .seconds(whole)
            default: return piece
            }
        }
    }

    /// - Parameter id: That of the request.
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
    /// Whether the target is a URL, or several: then a failed hit fails the run.
    public var isURLTarget: Bool
    /// What each agent starts.
    public var launch: RunnerLaunch
    /// The whole plan: the master gives each agent its share.
    public var order: RunnerOrder
    /// Which agents carry it out.
    public var placement: Placement
    /// Keep every hit in the master's data directory.
    public var keepHits: Bool
    /// What the run must keep to, at most ``Threshold/countLimit``.
    public var thresholds: [Threshold]

    /// - Parameter run: 1 to 64 letters, digits, `-`, `_` or `.`, drawn anew for each run.
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
    /// What happens to the users of an agent that is lost.
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
    /// What happens to the users of an agent that is lost.
    public var onLost: OnLost
    /// All agents that are free and fit, with equal shares, unless something else is said.
    public init(
        agents: Int? = nil, labels: [String: String] = [:], weighted: Bool = false, onLost: OnLost = .goOn
    ) {
        self.agents = agents
        self.labels = labels
        self.weighted = weighted
        self.onLost = onLost
    }

    /// Why a plan cannot be carried out in this way, for a person; nil when it can.
    public func obstacle(to plan: Plan) -> String? {
        guard onLost == .redistribute else { return nil }
        if case .mix = plan.model {
            return "--on-lost redistribute: cannot be with a mix of scenarios, each of which has a load of its own: "
                + "choose continue or stop"
        }
        guard plan.cycles.count > 1 else { return nil }
        return "--on-lost redistribute: cannot be with several cycles, each of which has its own number of users: "
            + "choose continue or stop, or run one cycle at a time"
    }
}

/// Agents and runs, as `loads status` shows them.
public struct ClusterStatus: Sendable, Equatable {
    /// Drawn at each start of the master.
    public var boot: String
    /// Those that are there, and those that were not long ago, by identity.
    public var agents: [AgentStatus]
    /// The oldest first.
    public var runs: [RunStatus]
    /// Several messages make one status when it is large: their agents and runs follow one another. The last has `more`
    /// false.
    public var more: Bool
    /// - Parameter boot: Drawn at each start of the master.
    public init(boot: String, agents: [AgentStatus], runs: [RunStatus], more: Bool = false) {
        self.boot = boot
        self.agents = agents
        self.runs = runs
        self.more = more
    }

    /// An agent as its master sees it.
    public struct AgentStatus: Sendable, Equatable {
        /// `lost` is silent for longer than its grace, `gone` has said goodbye.
        public enum State: String, Sendable, CaseIterable { case idle, busy, silent, lost, gone }
        /// What it said of itself.
        public var hello: AgentHello
        /// Whether it is there, and at work.
        public var state: State
        /// Seconds since its last sign of life.
        public var silence: Double
        /// What it used when it was last heard.
        public var usage: HostUsage
        /// Round trip, and how far its clock may be off what the master believes, in seconds; nil before the first beat.
        public var roundTrip: Double?
        /// The run that it has a part in.
        public var run: String?
        /// - Parameters: Times in seconds.
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

    /// A run in a few figures.
    public struct RunStatus: Sendable, Equatable {
        /// How a run that is over came to its end; the gravest counts.
        public enum Outcome: String, Sendable, CaseIterable {
            /// Its plan was carried out.
            case finished
            /// Nothing is there of one of its agents from some time on, or of its results.
            case incomplete
            /// A runner crashed.
            case crashed
            /// It broke off because agents were lost: all of them, or one with `--on-lost stop`.
            case lost
            /// Somebody ended it before its plan was done.
            case stopped
        }

        /// Names the run.
        public var run: String
        /// What is run, as the user named it.
        public var target: String
        /// Where it is in its life.
        public var state: RunState
        /// Wall time of the start, in seconds since 1970; nil before it.
        public var startedAt: Double?
        /// Seconds since the start, to the end if it has ended.
        public var elapsed: Double
        /// Users running now, on all its agents together.
        public var users: Int
        /// Iterations so far.
        public var iterations: IterationCounts
        /// Hits so far.
        public var hits: Int
        /// Hits so far that failed.
        public var failedHits: Int
        /// How it ended; nil while it has not, and when it was refused.
        public var outcome: Outcome?
        /// What a queued run waits for, for a person; nil when it waits for nothing, or has for too short a time.
        public var waitsFor: String?
        /// - Parameters: `startedAt` in seconds since 1970, `elapsed` in seconds.
        public init(
            run: String, target: String, state: RunState, startedAt: Double?, elapsed: Double, users: Int,
            iterations: IterationCounts, hits: Int, failedHits: Int, outcome: Outcome? = nil, waitsFor: String? = nil
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
            self.outcome = outcome
            self.waitsFor = waitsFor
        }
    }
}

/// Where a run is in its life.
public enum RunState: Sendable, Equatable {
    /// Waiting for files, or for agents.
    case queued
    /// The agents fetch files and start their runners.
    case preparing
    /// The start is set: the users have begun, or will at that instant.
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
    /// Drawn at each start of the master.
    public var boot: String
    /// What is run; to a watcher without what may be secret.
    public var submission: RunSubmission
    /// Where it is in its life.
    public var state: RunState
    /// Wall time of the start, in seconds since 1970; nil before it.
    public var startedAt: Double?
    /// From the start to now, or to the last iteration's end, in seconds.
    public var elapsed: Double
    /// Somebody ended it before its plan was done.
    public var interrupted: Bool
    /// The last sequence number of each of the run's topics that is in the statistics: `hits`, `stats`, `events`.
    public var sequences: [String: UInt64]
    /// Merged over all agents since the start.
    public var statistics: Statistics
    /// What each agent did.
    public var agents: [AgentShare]
    /// What became of a runner that did not end by itself.
    public var crash: RunnerCrash?
    /// What a queued run waits for, for a person; nil when it waits for nothing, or has for too short a time.
    public var waitsFor: String?
    /// Why a run that was stopped was, for a person: `stopped by tarek@laptop`; nil when it was not.
    public var stopped: String?
    /// Changes of the number of users on the way, in order.
    public var changes: [UserChange] = []
    /// How the thresholds stand, or how they came out, in the order of the submission.
    public var thresholds: [ThresholdResult]
    /// Why the tear-down was not done.
    public var tearDownFailure: String?
    /// Several messages make one snapshot when it is large: their statistics merge. The last has `more` false.
    public var more: Bool

    /// - Parameters: `startedAt` in seconds since 1970, `elapsed` in seconds since the start of the run.
    public init(
        boot: String, submission: RunSubmission, state: RunState, startedAt: Double?, elapsed: Double,
        interrupted: Bool, sequences: [String: UInt64], statistics: Statistics, agents: [AgentShare],
        crash: RunnerCrash? = nil, thresholds: [ThresholdResult] = [], tearDownFailure: String? = nil,
        more: Bool = false
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
        self.tearDownFailure = tearDownFailure
        self.more = more
    }
}

/// An event of a run, as `loads logs` shows it.
public struct LogEntry: Sendable, Equatable {
    /// From 1 on for each run.
    public var number: Int
    /// Wall time, in seconds since 1970.
    public var at: Double
    /// What happened.
    public var event: RunEvent
    /// - Parameters:
    ///   - number: From 1 on for each run.
    ///   - at: Wall time, in seconds since 1970.
    public init(number: Int, at: Double, event: RunEvent) {
        self.number = number
        self.at = at
        self.event = event
    }
}

/// Something that happened in a run.
public struct RunEvent: Sendable, Equatable {
    /// `queued`, `set-up`, `preparing`, `started`, `note`, `adjusted`, `agent-silent`, `agent-back`, `agent-lost`, `agent-left`,
    /// `agent-ended`, `crashed`, `hits-dropped`, `disk-full`, `threshold`, `stopping`, `tear-down`, `tear-down-failed`, `ended`,
    /// `refused`.
    public var kind: String
    /// For a person.
    public var text: String
    /// The agent it is about, if it is about one.
    public var agent: String?
    /// - Parameter kind: One of those that ``kind`` lists.
    public init(kind: String, text: String, agent: String? = nil) {
        self.kind = kind
        self.text = text
        self.agent = agent
    }
}

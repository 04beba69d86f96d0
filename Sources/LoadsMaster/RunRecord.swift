public import LoadsCore
public import LoadsEventLoop
public import LoadsWire

/// All that a master must know of a run to go on with it after a restart, beside what was measured.
public struct RunRecord: Sendable, Equatable {
    /// What was asked for.
    public var submission: RunSubmission
    /// Where it is in its life.
    public var state = RunState.queued
    /// Wall time of the submission, in seconds since 1970.
    public var submittedAt: Double
    /// Wall time of the start, in seconds since 1970; nil before it.
    public var startedAt: Double?
    /// The start on the master's monotonic clock; nil before it.
    public var start: Instant?
    /// From the start to the last iteration's end, in seconds; 0 before the end.
    public var duration: Double = 0
    /// Somebody or a threshold stopped it before its plan was done, or its agents ended by themselves.
    public var interrupted = false
    /// How it was told to end; nil if it was not.
    public var stop: Stop?
    /// Runners that crashed, or agents whose loss ended the run, as one; nil while there was neither.
    public var crash: RunnerCrash?
    /// How its thresholds came out, once it is over; before, those because of which it is being stopped.
    public var thresholds: [ThresholdResult] = []
    /// Its agents in the present attempt; empty until there are some.
    public var members: [RunMember] = []
    /// What is done once before its users and after them; nil without.
    public var setUp: SetUp?
    /// The run that this one sets up or tears down; nil for an ordinary one.
    public var parent: String?
    /// What this one, a set-up or tear-down, has handed over; nil until it has.
    public var value: [UInt8]?
    /// How often it was planned anew because an agent was gone before the start.
    public var attempt = 0
    /// Changes of the number of users on the way that somebody asked for, in order.
    public var changes: [UserChange] = []
    /// The number of the next user that an adjustment adds.
    public var nextUser = 0
    /// Events in the log, which may be fewer than there were.
    public var events = 0
    /// Events that did not fit into the log.
    public var droppedEvents = 0

    /// A run that waits in the queue.
    public init(submission: RunSubmission, submittedAt: Double) {
        self.submission = submission
        self.submittedAt = submittedAt
    }

    /// How far a run is with what is done once.
    public struct SetUp: Sendable, Equatable {
        /// Where the set-up and the tear-down are.
        public enum Phase: String, Sendable {
            /// The run waits for it.
            case settingUp
            /// It is set up; the run may go on.
            case done
            /// The run's end waits for it.
            case tearingDown
            /// It is torn down, or was never set up.
            case over
        }

        /// Where they are.
        public var phase = Phase.settingUp
        /// The name of the run that does it; nil before there is one.
        public var child: String?
        /// For all users.
        public var value: [UInt8]?
        /// Why the tear-down was not done.
        public var failure: String?
        /// Why nothing was run, to be told once it is torn down.
        public var refusal: Refusal?
        /// The run waits for its set-up.
        public init() {}
    }

    /// Why a run was not run.
    public struct Refusal: Sendable, Equatable {
        /// The exit code of `loads` that says so.
        public var code: Int
        /// What happened, to what, and what to do.
        public var message: String
        /// - Parameter code: An exit code of `loads`.
        public init(code: Int, message: String) {
            self.code = code
            self.message = message
        }
    }

    /// How a run was told to end before its plan was done.
    public struct Stop: Sendable, Equatable {
        /// At once, instead of gracefully.
        public var abort: Bool
        /// Who or what, for a person.
        public var reason: String
        /// - Parameter reason: Who or what, for a person.
        public init(abort: Bool, reason: String) {
            self.abort = abort
            self.reason = reason
        }
    }

    /// Its identifier.
    public var run: String { submission.run }

    /// What the agents call it: each attempt has a name of its own.
    public var agentRun: String { agentRun(attempt) }

    func agentRun(_ attempt: Int) -> String {
        guard attempt > 0 else { return run }
        let mark = ".again\(attempt)"
        return run.prefix(64 - mark.utf8.count) + mark
    }

    /// Nothing more happens, whatever comes late.
    public var isOver: Bool {
        switch state {
        case .ended, .refused: true
        default: false
        }
    }
}

/// One agent's part in a run.
public struct RunMember: Sendable, Equatable {
    /// How far the agent is with its part.
    public enum Phase: String, Sendable, CaseIterable {
        /// It was told to prepare.
        case ordered
        /// Its runner waits for the start.
        case ready
        /// It was told when to start.
        case starting
        /// Its users have started.
        case running
        /// Its runner ended by itself, or refused: nothing more comes.
        case finished
        /// Its runner crashed: nothing more comes.
        case crashed
        /// Given up. What it still sends counts.
        case lost
        /// It ended its users before their part was done, though its master had not said so, and delivered everything.
        case left
    }

    /// The agent's identity.
    public var agent: String
    /// For people.
    public var name: String
    /// The start of the agent that the part belongs to: results of another one are none of it.
    public var epoch: String
    /// The run's attempt that it has a part in.
    public var attempt: Int
    /// What its share is measured by.
    public var cores: Int
    /// How far it is with its part.
    public var phase = Phase.ordered
    /// Its lease has ended, its grace has not.
    public var silent = false
    /// Its users were given to others: it is to stop when it comes back.
    public var released = false
    /// The number of its first user.
    public var firstUser: Int
    /// Users that it has now.
    public var users: Int
    /// The most that it was to have at once so far.
    public var peakUsers: Int
    /// The last adjustment, with `at` on the master's clock: sent again when the agent comes back.
    public var adjustment: Adjustment?
    /// From when on nothing comes of it, once it was lost, has left or crashed.
    public var missing: AgentShare.Missing?
    /// Results that it had to give up on the way, whatever becomes of it.
    public var gaveUp: AgentShare.Missing?
    /// Seconds between the run's start and its own; nil before it.
    public var startSkew: Double?
    /// Seconds that its clock may have been off at the start.
    public var clockError: Double?

    /// An agent that was told to prepare.
    public init(
        agent: String, name: String, epoch: String, attempt: Int = 0, cores: Int, firstUser: Int, users: Int
    ) {
        self.agent = agent
        self.name = name
        self.epoch = epoch
        self.attempt = attempt
        self.cores = cores
        self.firstUser = firstUser
        self.users = users
        peakUsers = users
    }

    /// Nothing more is expected of it.
    public var isDone: Bool {
        switch phase {
        case .finished, .crashed, .lost, .left: true
        case .ordered, .ready, .starting, .running: false
        }
    }

    /// Its runner's end was told: nothing more comes.
    var hasEnded: Bool { phase == .finished || phase == .crashed || phase == .left }

    /// All that is missing of it.
    var allMissing: AgentShare.Missing? {
        guard let missing, let gaveUp else { return missing ?? gaveUp }
        return gaveUp.joined(with: missing)
    }

    var source: Intake.Source { Intake.Source(agent: agent, epoch: epoch, attempt: attempt) }

    var state: AgentShare.State {
        switch phase {
        case .finished: .finished
        case .crashed: .crashed
        case .lost: .lost
        case .left: .left
        default: silent ? .silent : .active
        }
    }
}

extension AgentShare.Missing {
    /// Two holes as one: from the first's beginning to the last's end.
    func joined(with other: Self) -> Self {
        let isSaid = reason == other.reason || reason.hasSuffix("; \(other.reason)")
        return Self(
            from: min(from, other.from), to: to.flatMap { end in other.to.map { max(end, $0) } },
            hits: hits == nil && other.hits == nil ? nil : (hits ?? 0) + (other.hits ?? 0),
            reason: isSaid ? reason : "\(reason); \(other.reason)")
    }
}

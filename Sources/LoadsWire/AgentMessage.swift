/// What an agent tells its master on the control channel.
public enum AgentMessage: Sendable, Equatable {
    /// First on every connection, and again until it is welcomed.
    case hello(AgentHello)
    /// Once a second while it is welcome; keeps the lease, and measures the clocks.
    case beat(AgentBeat)
    /// How far the preparation of a run is.
    case status(run: String, AgentRunState)
    /// Asks for a file's chunks: so many bytes from `offset` on, in chunks of at most 256 KiB.
    case fetch(hash: String, offset: Int, bytes: Int)
    /// It leaves: its lease ends now. What is not acknowledged is lost unless it comes back with its spool.
    case goodbye(reason: String)
    /// The master said something that it does not understand.
    case error(WireFault)
}

/// Who an agent is.
public struct AgentHello: Sendable, Equatable {
    /// The stable identity: the same after a restart. 1 to 64 characters: letters, digits, `-`, `_`, `.`.
    public var agent: String
    /// For people; usually the host's name.
    public var name: String
    /// Drawn at each start of the agent and kept if its spool was recovered: 16 hexadecimal digits.
    public var epoch: String
    /// The agent's make and version, for people.
    public var software: String
    /// What its runners run on.
    public var platform: Platform
    /// Cores that it may use, at least 1.
    public var cores: Int
    /// Memory of the machine or of its container, in bytes.
    public var memoryBytes: Int
    /// What runs may ask for: `zone` → `eu`.
    public var labels: [String: String]
    /// The dialects its runners may speak.
    public var dialects: [RunnerLaunch.Dialect]
    /// The runners it brings along: `url`.
    public var builtIn: [String]
    /// The runs of which it still holds something.
    public var runs: [HeldRun]

    /// A run that an agent has not finished with.
    public struct HeldRun: Sendable, Equatable {
        /// Names the run.
        public var run: String
        /// The last sequence number it has drawn; 0 before the first.
        public var sequence: UInt64
        /// Whether its runner lives.
        public var running: Bool
        /// - Parameters:
        ///   - run: Names the run.
        ///   - sequence: The last number that it has given; 0 is none.
        ///   - running: Whether its runner lives.
        public init(run: String, sequence: UInt64, running: Bool) {
            self.run = run
            self.sequence = sequence
            self.running = running
        }
    }

    /// Everything that an agent says of itself; what may be left out has its usual value.
    public init(
        agent: String, name: String, epoch: String, software: String, platform: Platform, cores: Int,
        memoryBytes: Int, labels: [String: String] = [:],
        dialects: [RunnerLaunch.Dialect] = RunnerLaunch.Dialect.allCases, builtIn: [String] = [],
        runs: [HeldRun] = []
    ) {
        self.agent = agent
        self.name = name
        self.epoch = epoch
        self.software = software
        self.platform = platform
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.labels = labels
        self.dialects = dialects
        self.builtIn = builtIn
        self.runs = runs
    }
}

/// A sign of life.
public struct AgentBeat: Sendable, Equatable {
    /// The agent's monotonic clock when this was sent, in nanoseconds.
    public var sent: Int64
    /// The last lease message's `sent`, and the agent's clock when it came; nil before the first.
    public var echo: Echo?
    /// What the agent and its runners use.
    public var usage: HostUsage
    /// Results not acknowledged.
    public var spoolMessages: Int
    /// Bytes of results that are not acknowledged.
    public var spoolBytes: Int
    /// Whether the agent was told to end: it delivers what it has, and takes no other run.
    public var isLeaving = false

    /// Two points in time by which the master compares the clocks, in nanoseconds: its own `sent`, and when that came.
    public struct Echo: Sendable, Equatable {
        /// When the master sent its lease, in nanoseconds of the master's clock.
        public var masterSent: Int64
        /// When the agent received it, in nanoseconds of the agent's clock.
        public var received: Int64
        /// - Parameters: Both in nanoseconds, each of its sender's own monotonic clock.
        public init(masterSent: Int64, received: Int64) {
            self.masterSent = masterSent
            self.received = received
        }
    }

    /// A beat; `sent` is in nanoseconds of the agent's monotonic clock.
    public init(
        sent: Int64, echo: Echo? = nil, usage: HostUsage = HostUsage(), spoolMessages: Int = 0, spoolBytes: Int = 0
    ) {
        self.sent = sent
        self.echo = echo
        self.usage = usage
        self.spoolMessages = spoolMessages
        self.spoolBytes = spoolBytes
    }
}

/// What an agent's machine and the agent itself use, measured over the last second.
public struct HostUsage: Sendable, Equatable {
    /// Cores busy on the machine, from 0 to their number.
    public var busyCores: Double = 0
    /// CPU seconds of the agent and its runners since it started.
    public var cpuSeconds: Double = 0
    /// Resident memory of the agent and its runners, in bytes.
    public var residentBytes = 0
    /// Open descriptors of the agent and its runners.
    public var descriptors = 0
    /// Bytes a second over all interfaces of the machine but loopback.
    public var receivedBytesPerSecond: Double = 0
    /// Bytes a second that the machine sends, all its interfaces together.
    public var sentBytesPerSecond: Double = 0
    /// Nothing is used.
    public init() {}
}

/// How far an agent is with the preparation of a run.
public enum AgentRunState: Sendable, Equatable {
    /// Files are fetched, then the runner is started: so many bytes are still to come.
    case preparing(missingBytes: Int)
    /// The runner waits for the start.
    case ready
    /// It will not run; nothing was started. The code is an exit code of `loads`.
    case refused(code: Int, message: String)
}

/// What one side says when it cannot take what the other has sent.
public struct WireFault: Error, Sendable, Equatable {
    /// `version`, `malformed`, `duplicate`, `role`, `unknown-run`, `not-welcome`, `full` …
    public var code: String
    /// What is wrong, for a person.
    public var message: String
    /// The run it is about, if it is about one: with `unknown-run` whatever is kept for it may be forgotten.
    public var run: String?
    /// What is said of bytes that are no message.
    public init(_ error: WireError) {
        self.init(code: error.code == .version ? "version" : "malformed", message: error.message)
    }

    /// - Parameters:
    ///   - code: One of `Docs/WireProtocol.md`, Errors.
    ///   - message: What happened, to what, and what to do.
    ///   - run: The run that it is about, if it is about one.
    public init(code: String, message: String, run: String? = nil) {
        self.code = code
        self.message = message
        self.run = run
    }
}

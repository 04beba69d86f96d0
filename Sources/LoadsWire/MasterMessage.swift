public import LoadsCore

/// What a master tells an agent on the control channel.
public enum MasterMessage: Sendable, Equatable {
    /// The answer to a hello.
    case welcome(MasterWelcome)
    /// The answer to a beat: the lease goes on.
    case lease(MasterLease)
    /// Prepare a run: fetch the files, start the runner, report `ready`, and wait for the start.
    case run(AgentOrder)
    /// Start a prepared run at a point of the agent's own monotonic clock, in nanoseconds: time 0 of the run.
    case start(run: String, at: Int64)
    /// Change the users at a point of the agent's own clock.
    case adjust(run: String, Adjustment)
    /// End gracefully, or at once. Also before the start.
    case stop(run: String, abort: Bool, reason: String)
    /// Whether somebody wants every hit.
    case rawHits(run: String, wanted: Bool)
    /// Everything up to this sequence number is stored: it may be forgotten. When the run's end is among it, the run is.
    case ack(run: String, epoch: String, sequence: UInt64)
    /// A piece of a file.
    case chunk(FileChunk)
    /// What the agent sent is not taken.
    case error(WireFault)
}

/// What a master answers to a hello.
public struct MasterWelcome: Sendable, Equatable {
    /// Drawn at each start of the master: 16 hexadecimal digits.
    public var boot: String
    /// Ports of the other channels, on the host that was dialled unless `host` says otherwise.
    public var resultsPort: Int
    /// Of the stream, on the same host.
    public var streamPort: Int
    /// The host of the other channels; nil is the one that was dialled.
    public var host: String?
    /// Nanoseconds between two beats (1 s), after which a lease without a beat ends (5 s), and after which an agent
    /// without a lease counts as lost (60 s).
    public var beat: Int64
    /// After so many nanoseconds without a beat an agent counts as silent.
    public var lease: Int64
    /// After so many nanoseconds more it counts as lost.
    public var grace: Int64
    /// The master's monotonic clock when this was sent, in nanoseconds.
    public var sent: Int64
    /// Nanoseconds between two batches (100 ms; more with many agents).
    public var batchInterval: Int64
    /// - Parameters: Ports from 1 to 65535, times in nanoseconds.
    public init(
        boot: String, resultsPort: Int, streamPort: Int, host: String? = nil, beat: Int64 = 1_000_000_000,
        lease: Int64 = 5_000_000_000, grace: Int64 = 60_000_000_000, sent: Int64, batchInterval: Int64 = 100_000_000
    ) {
        self.boot = boot
        self.resultsPort = resultsPort
        self.streamPort = streamPort
        self.host = host
        self.beat = beat
        self.lease = lease
        self.grace = grace
        self.sent = sent
        self.batchInterval = batchInterval
    }
}

/// What a master answers to a beat.
public struct MasterLease: Sendable, Equatable {
    /// The master's monotonic clock when this was sent, in nanoseconds.
    public var sent: Int64
    /// Nanoseconds between two batches.
    public var batchInterval: Int64
    /// - Parameters: Both in nanoseconds.
    public init(sent: Int64, batchInterval: Int64 = 100_000_000) {
        self.sent = sent
        self.batchInterval = batchInterval
    }
}

/// One run, as one agent carries it out.
public struct AgentOrder: Sendable, Equatable {
    /// Names the run.
    public var run: String
    /// What is to be started.
    public var launch: RunnerLaunch
    /// The plan in it is the agent's share.
    public var order: RunnerOrder
    /// - Parameter run: Names the run.
    public init(run: String, launch: RunnerLaunch, order: RunnerOrder) {
        self.run = run
        self.launch = launch
        self.order = order
    }
}

/// A change of a running plan, taking effect at one instant.
public struct Adjustment: Sendable, Equatable {
    /// A model for the rest of the run.
    public struct Change: Sendable, Equatable {
        /// The whole plan as it is now, from the start of the run on: user stages or arrivals, with this agent's stripe.
        public var model: LoadModel
        /// From when it counts, in nanoseconds since time 0 of the run: the same on all agents.
        public var from: Int64
        /// - Parameter from: Nanoseconds since time 0 of the run.
        public init(model: LoadModel, from: Int64) {
            self.model = model
            self.from = from
        }
    }

    /// The users that there are from then on: this agent's share of them. With ``change`` its most users.
    public var users: Int
    /// The number of the first user that is added, if any are.
    public var firstNewUser: Int
    /// When, in nanoseconds of the receiver's monotonic clock.
    public var at: Int64
    /// What becomes of a plan of stages or arrivals; nil in one of cycles.
    public var change: Change?
    /// - Parameters:
    ///   - users: From then on, of this agent.
    ///   - firstNewUser: The number of the first user that it adds.
    ///   - at: In nanoseconds of the clock of whoever it is sent to.
    ///   - change: What becomes of a plan of stages or arrivals.
    public init(users: Int, firstNewUser: Int, at: Int64, change: Change? = nil) {
        self.users = users
        self.firstNewUser = firstNewUser
        self.at = at
        self.change = change
    }
}

/// A piece of a file, of at most 256 KiB.
public struct FileChunk: Sendable, Equatable {
    /// The SHA-256 of the whole file, in hexadecimal.
    public var hash: String
    /// Where in the file the bytes belong.
    public var offset: Int
    /// At most ``limit`` of them.
    public var bytes: [UInt8]
    /// - Parameter hash: The SHA-256 of the whole file, in hexadecimal.
    public init(hash: String, offset: Int, bytes: [UInt8]) {
        self.hash = hash
        self.offset = offset
        self.bytes = bytes
    }

    /// The most bytes of a chunk.
    public static let limit = 256 << 10
    /// The most bytes that are sent for one `fetch`: an agent asks for no more ahead.
    public static let credit = 1 << 20
}

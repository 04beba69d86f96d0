/// What one agent did in a run.
public struct AgentShare: Sendable, Equatable {
    /// What has become of the agent.
    public enum State: String, Sendable, CaseIterable {
        /// Waiting or running.
        case active
        /// Silent for longer than its lease; it may come back.
        case silent
        /// Given up.
        case lost
        /// Its runner ended by itself.
        case finished
        /// Its runner crashed.
        case crashed
        /// It was told to end, and ended its users before their work was done.
        case left
    }

    /// Its identity, the same after a restart of the agent.
    public var id: String
    /// For people; several agents may bear the same one.
    public var name: String
    /// Users it was given at the peak.
    public var users: Int
    /// Hits merged so far, without those of the warm-up.
    public var hits = 0
    /// Iterations merged so far, likewise.
    public var iterations = IterationCounts()
    /// What has become of it so far.
    public var state = State.active
    /// What is missing; nil when everything came.
    public var missing: Missing?
    /// Single hits of its that were wanted (``Plan/rawHits``) and could not be passed on or kept: they count in the numbers all
    /// the same.
    public var droppedHits = 0
    /// Seconds between the run's common start and this agent's, later positive; nil before it.
    public var startSkew: Double?
    /// How far the agent's clock may be off what the master believed at the start, in seconds.
    public var clockError: Double?
    /// What its runner has used of its machine; nil before it has said anything.
    public var usage: Usage?

    /// What a runner used of its machine.
    public struct Usage: Sendable, Equatable {
        /// Cores that it may use, at least 1.
        public var cores: Int
        /// Seconds that the other numbers are about.
        public var seconds: Double
        /// CPU seconds, user and system.
        public var cpuSeconds: Double
        /// Seconds that its loops' threads, all together, waited for a core although they had something to do.
        public var waitedSeconds: Double
        /// Seconds in which whatever happened waited for more than 10 ms for its loop, of all loops together.
        public var heldSeconds: Double
        /// - Parameters: All but the cores in seconds.
        public init(
            cores: Int, seconds: Double, cpuSeconds: Double, waitedSeconds: Double, heldSeconds: Double = 0
        ) {
            self.cores = cores
            self.seconds = seconds
            self.cpuSeconds = cpuSeconds
            self.waitedSeconds = waitedSeconds
            self.heldSeconds = heldSeconds
        }
    }

    /// A hole in what an agent measured.
    public struct Missing: Sendable, Equatable {
        /// Seconds since the start of the run; no data from then.
        public var from: Double
        /// Seconds since the start of the run; nil is to the end.
        public var to: Double?
        /// As far as it is known.
        public var hits: Int?
        /// For a person.
        public var reason: String
        /// - Parameters:
        ///   - to: Nil is to the end.
        ///   - hits: Nil is an unknown number.
        public init(from: Double, to: Double?, hits: Int?, reason: String) {
            self.from = from
            self.to = to
            self.hits = hits
            self.reason = reason
        }
    }

    /// An agent that has delivered nothing yet.
    public init(id: String, name: String, users: Int) {
        self.id = id
        self.name = name
        self.users = users
    }
}

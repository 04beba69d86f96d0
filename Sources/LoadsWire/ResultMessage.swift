/// What an agent sends on the results channel: a report of its runner, numbered so that it is taken exactly once.
public struct ResultMessage: Sendable, Equatable {
    /// Names the run.
    public var run: String
    /// Who measured it: its stable identity.
    public var agent: String
    /// Drawn at each start of the agent, and kept if its spool was recovered.
    public var epoch: String
    /// From 1 on, without a gap, for each run and epoch.
    public var sequence: UInt64
    /// What is delivered.
    public var content: Content

    /// What an agent delivers of a run.
    public enum Content: Sendable, Equatable {
        /// A message of the runner protocol as the runner wrote it: `started`, `batch`, `note`. A master looks at the key
        /// first, and decodes what it has not seen before.
        case report([UInt8])
        /// The runner has ended. The last of a run.
        case ended(RunnerEnd)
        /// Results that had to be given up because the spool was full: they never come.
        case lost(Loss)
    }

    /// What is missing, as far as it is known.
    public struct Loss: Sendable, Equatable {
        /// Messages that were given up.
        public var messages: Int
        /// Hits in them.
        public var hits: Int
        /// Iterations that ended in them.
        public var iterations: Int
        /// Seconds since the start of the run.
        public var from: Double
        /// Their end, in seconds since the start of the run.
        public var to: Double
        /// - Parameters: `from` and `to` in seconds since the start of the run.
        public init(messages: Int, hits: Int, iterations: Int, from: Double, to: Double) {
            self.messages = messages
            self.hits = hits
            self.iterations = iterations
            self.from = from
            self.to = to
        }
    }

    /// - Parameter sequence: From 1 on for each run, agent and epoch, without a gap.
    public init(run: String, agent: String, epoch: String, sequence: UInt64, content: Content) {
        self.run = run
        self.agent = agent
        self.epoch = epoch
        self.sequence = sequence
        self.content = content
    }
}

/// What an agent sends on the results channel: a report of its runner, numbered so that it is taken exactly once.
public struct ResultMessage: Sendable, Equatable {
    public var run: String
    public var agent: String
    public var epoch: String
    /// From 1 on, without a gap, for each run and epoch.
    public var sequence: UInt64
    public var content: Content

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
        public var messages: Int
        public var hits: Int
        public var iterations: Int
        /// Seconds since the start of the run.
        public var from: Double
        public var to: Double
        public init(messages: Int, hits: Int, iterations: Int, from: Double, to: Double) {
            self.messages = messages
            self.hits = hits
            self.iterations = iterations
            self.from = from
            self.to = to
        }
    }

    public init(run: String, agent: String, epoch: String, sequence: UInt64, content: Content) {
        self.run = run
        self.agent = agent
        self.epoch = epoch
        self.sequence = sequence
        self.content = content
    }
}

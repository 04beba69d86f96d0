public import LoadsCore

/// What a master publishes to everybody who subscribes: the second frame, behind the topic.
public struct StreamMessage: Sendable, Equatable {
    /// Names the run.
    public var run: String
    /// Drawn at each start of the master. A new one means: sequences begin anew.
    public var boot: String
    /// From 1 on for each topic, without a gap: who sees one has missed something.
    public var sequence: UInt64
    /// Seconds since the start of the run; 0 before it.
    public var time: Double
    /// What happened.
    public var content: Content
    /// Of which result the hits are: another master publishes again what was not stored.
    public var result: Result?

    /// A result of the agent that a message of hits names.
    public struct Result: Sendable, Equatable {
        /// The start of the agent that it is of.
        public var epoch: String
        /// The number of the result, as in ``ResultMessage/sequence``.
        public var sequence: UInt64
        /// - Parameter epoch: The start of the agent.
        public init(epoch: String, sequence: UInt64) {
            self.epoch = epoch
            self.sequence = sequence
        }
    }

    /// What is published of a run.
    public enum Content: Sendable, Equatable {
        /// One agent's batch of hits; topic `hits/RUN/`.
        case hits(agent: String, [RawHit])
        /// One interval, merged over all agents, `from` and `to` in seconds since the start; topic `stats/RUN/`.
        case statistics(from: Double, to: Double, Statistics)
        /// How the thresholds stand, whenever something was judged; topic `stats/RUN/`.
        case thresholds([ThresholdResult])
        /// Topic `events/RUN/`.
        case event(RunEvent)
        /// Nothing happened for a second; on any topic.
        case beat
    }

    /// - Parameter time: In seconds since the start of the run.
    public init(
        run: String, boot: String, sequence: UInt64, time: Double, content: Content, result: Result? = nil
    ) {
        self.run = run
        self.boot = boot
        self.sequence = sequence
        self.time = time
        self.content = content
        self.result = result
    }
}

/// The topics of the stream.
public enum StreamTopic: String, Sendable, CaseIterable {
    /// Hits as they were made; intervals, merged, and how the thresholds stand; what happened to the run.
    case hits, stats, events

    /// The first frame of a run's messages: `hits/RUN/`.
    public func frame(run: String) -> String { "\(rawValue)/\(run)/" }
}

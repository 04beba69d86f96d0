public import LoadsEventLoop

/// Counts what happens on one loop, between two batches. Confined to the loop's thread: no lock, no hop.
public final class Recorder {
    private let start: Instant
    private let wantsRawHits: Bool
    private let maxNames: Int
    private var known: Set<String> = []
    private var statistics = Statistics()
    private var hits: [RawHit] = []

    /// - Parameters:
    ///   - start: The start of the run, from which `t` is counted.
    ///   - plan: Whether raw hits are wanted, and how many names are kept.
    public init(start: Instant, plan: Plan) {
        self.start = start
        wantsRawHits = plan.rawHits
        maxNames = plan.maxNames
    }

    /// Counts a hit.
    public func record(_ hit: Hit, user: Int, iteration: Int) {}

    /// Counts a failure of an iteration, grouped by its place.
    public func recordFailure(at place: String, message: String, _ now: Instant) {}

    /// Counts the start of an iteration.
    public func iterationStarted() {}

    /// Counts the end of an iteration.
    ///
    /// - Parameter service: Nanoseconds from its start.
    public func iterationEnded(_ outcome: IterationOutcome, interrupted: Bool, service: Int64) {}

    /// Takes what was counted since the last call.
    public func takeBatch() -> Batch { Batch(statistics: statistics, hits: hits) }
}

/// Runs scenarios under a plan: users, iterations, pacing, the end.
///
/// Each iteration draws one of the scenarios at random, with equal weight.
public final class ScenarioRunner: Sendable {
    /// - Parameters:
    ///   - counters: Where to count so that it outlives this process; nil counts nowhere else.
    ///   - onBatch: Called about ten times a second, on any thread, with what was measured since. Must not block.
    public init(
        plan: Plan, scenarios: [Scenario], counters: LiveCounters? = nil,
        onBatch: @escaping @Sendable (Batch) -> Void
    ) {}

    /// Runs the plan to its end. The last batch has been handed over when this returns.
    public func run() async {}

    /// Ends the run gracefully: no new iterations; running ones get the plan's grace. From any thread.
    public func stop() {}

    /// Ends the run at once: running iterations are cancelled and counted as interrupted. From any thread.
    public func abort() {}
}

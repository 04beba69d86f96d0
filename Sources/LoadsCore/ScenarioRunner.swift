import LoadsEventLoop

/// How a run of the scenario runner ended.
public struct RunEnding: Sendable, Equatable {
    /// Somebody stopped it before the plan was done.
    public var interrupted: Bool
    public init(interrupted: Bool) { self.interrupted = interrupted }
}

/// Runs scenarios under a plan: users, iterations, pacing, the end.
///
/// Each iteration draws one of the scenarios at random, with equal weight. A user is a task pinned to one event loop; its
/// connections and its number outlive its iterations.
public final class ScenarioRunner: Sendable {
    let plan: Plan
    let scenarios: [Scenario]
    private let counters: LiveCounters?
    private let onBatch: @Sendable (Batch) -> Void
    private let control = RunControl()

    /// - Parameters:
    ///   - counters: Where to count so that it outlives this process; nil counts nowhere else.
    ///   - onBatch: Called about ten times a second, on any thread, with what was measured since. Must not block.
    public init(
        plan: Plan, scenarios: [Scenario], counters: LiveCounters? = nil,
        onBatch: @escaping @Sendable (Batch) -> Void
    ) {
        precondition(!scenarios.isEmpty, "a run needs a scenario")
        self.plan = plan
        self.scenarios = scenarios
        self.counters = counters
        self.onBatch = onBatch
    }

    /// Runs the plan to its end. The last batch has been handed over when this returns. Not to be called on a loop.
    ///
    /// An iteration that ignores its cancellation for five seconds after the grace is given up: it is counted as
    /// interrupted and left behind with its loop, so that a run always ends.
    public func run() async -> RunEnding {
        let start = Instant.now
        let group = EventLoopGroup(count: plan.loops)
        let registry = NameRegistry(limit: plan.maxNames)
        let lanes = group.loops.map {
            Lane(loop: $0, recorder: Recorder(start: start, plan: plan, registry: registry, counters: counters))
        }
        let crew = Crew(plan: plan, scenarios: scenarios, lanes: lanes, control: control)
        let collector = BatchCollector(
            lanes: lanes, users: { crew.count }, onBatch: onBatch)
        let ticking = Task.detached { await collector.tick() }

        for (index, cycle) in plan.cycles.enumerated() {
            if index > 0 { await control.sleep(plan.pause) }
            if control.isStopping { break }
            await crew.run(cycle)
        }
        let abandoned = await crew.dismiss()

        ticking.cancel()
        await ticking.value
        await collector.finish(abandoned: abandoned)
        if abandoned.isEmpty { await group.shutdown() }
        return RunEnding(interrupted: control.wasInterrupted)
    }

    /// Ends the run gracefully: no new iterations; running ones get the plan's grace. From any thread.
    public func stop() { control.stop(interrupted: true) }

    /// Ends the run at once: running iterations are cancelled and counted as interrupted. From any thread.
    public func abort() { control.abort() }
}

import LoadsEventLoop

/// How a run of the scenario runner ended.
public struct RunEnding: Sendable, Equatable {
    /// Somebody stopped it before the plan was done.
    public var interrupted: Bool
    /// Iterations that ignored their cancellation and were left behind; they count as interrupted.
    public var leftBehind: Int
    public init(interrupted: Bool, leftBehind: Int = 0) {
        self.interrupted = interrupted
        self.leftBehind = leftBehind
    }
}

/// Runs scenarios under a plan: users, iterations, pacing, the end.
///
/// Each iteration draws one of the scenarios at random, with equal weight. A user is a task pinned to one event loop
/// (with ``Plan/threads``, to a thread of its own); its connections and its number outlive its iterations and cycles.
///
/// Batches and the end are kept on the time of a loop of their own: users that block theirs, or the whole thread pool,
/// hold up neither.
public final class ScenarioRunner: Sendable {
    let plan: Plan
    let scenarios: [Scenario]
    private let counters: LiveCounters?
    private let onBatch: @Sendable (Batch) -> Void
    private let control = RunControl()
    /// How long cancelled iterations may go on before they are left behind.
    private let patience: Duration

    /// - Parameters:
    ///   - plan: One that has no problems; see ``Plan/validate()``.
    ///   - counters: Where to count so that it outlives this process; nil counts nowhere else.
    ///   - onBatch: Called about ten times a second, one call at a time and in order, on a thread of the runner's, with
    ///     what was measured since. The last batch completes the sums. Must not block.
    public convenience init(
        plan: Plan, scenarios: [Scenario], counters: LiveCounters? = nil,
        onBatch: @escaping @Sendable (Batch) -> Void
    ) {
        self.init(
            plan: plan, scenarios: scenarios, counters: counters, patience: .seconds(5), onBatch: onBatch)
    }

    init(
        plan: Plan, scenarios: [Scenario], counters: LiveCounters? = nil, patience: Duration,
        onBatch: @escaping @Sendable (Batch) -> Void
    ) {
        precondition(!scenarios.isEmpty, "a run needs a scenario")
        self.patience = patience
        self.plan = plan
        self.scenarios = scenarios
        self.counters = counters
        self.onBatch = onBatch
    }

    /// Runs the plan to its end, once. The last batch has been handed over when this returns; no thread and no
    /// descriptor is left. Cancelling the caller's task aborts the run.
    ///
    /// An iteration that ignores its cancellation for five seconds after the grace is given up: it is counted as
    /// interrupted and left behind with its loop, and the run ends there, whatever cycles are still to come.
    public func run() async -> RunEnding {
        let clock = EventLoop(name: "loads-clock")
        let run = Task(executorPreference: clock) { await self.perform(clock) }
        let ending = await withTaskCancellationHandler {
            await run.value
        } onCancel: {
            abort()
        }
        await clock.shutdown()
        return ending
    }

    private func perform(_ clock: EventLoop) async -> RunEnding {
        let start = Instant.now
        let group = EventLoopGroup(count: plan.loops)
        let registry = NameRegistry(limit: plan.maxNames)
        let counters = counters ?? LiveCounters.local()
        let lanes = group.loops.enumerated().map {
            Lane(number: $0, loop: $1, start: start, plan: plan, registry: registry, counters: counters)
        }
        let crew = Crew(
            plan: plan, scenarios: scenarios, lanes: lanes, clock: clock, control: control, patience: patience)
        let collector = BatchCollector(lanes: lanes, clock: clock, users: { crew.count }, onBatch: onBatch)
        let ticking = Task.detached(executorPreference: clock) { await collector.tick() }

        for (index, cycle) in plan.cycles.enumerated() {
            if index > 0 { await control.sleep(plan.pause, on: clock) }
            if control.isStopping { break }
            guard await crew.run(cycle) else { break }
        }
        let stuck = await crew.dismiss()

        ticking.cancel()
        await ticking.value
        let left = await collector.finish(stuck: stuck)
        for (index, lane) in lanes.enumerated() where !stuck.contains(index) { await lane.loop.shutdown() }
        // Whoever was left behind may still count.
        if stuck.isEmpty && self.counters == nil { counters.deallocate() }
        return RunEnding(interrupted: control.wasInterrupted, leftBehind: left)
    }

    /// Ends the run gracefully: no new iterations; running ones get the plan's grace. From any thread; asking again
    /// changes nothing.
    public func stop() { control.stop(interrupted: true) }

    /// Ends the run at once: running iterations are cancelled and counted as interrupted. From any thread.
    public func abort() { control.abort() }
}

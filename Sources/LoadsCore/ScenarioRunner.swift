public import LoadsEventLoop
import Synchronization

/// How a run of the scenario runner ended.
public struct RunEnding: Sendable, Equatable {
    /// Somebody stopped it before the plan was done.
    public var interrupted: Bool
    /// Iterations that ignored their cancellation and were left behind; they count as interrupted.
    public var leftBehind: Int
    /// Users that a test has ended before the plan did (``IterationContext/endUser()``).
    public var endedUsers: Int
    /// Whether the plan, or a part of a mix, ended there, because none of its users was left.
    public var wasDeserted: Bool
    /// - Parameter leftBehind: Iterations, not users.
    public init(interrupted: Bool, leftBehind: Int = 0, endedUsers: Int = 0, wasDeserted: Bool = false) {
        self.interrupted = interrupted
        self.leftBehind = leftBehind
        self.endedUsers = endedUsers
        self.wasDeserted = wasDeserted
    }
}

/// Runs scenarios under a plan: users, iterations, pacing, the end.
///
/// Each iteration draws one of the scenarios at random, by their weights. A user is a task pinned to one event loop
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
    private let live: Mutex<Live>

    /// What can be changed while it runs.
    private struct Live {
        var crew: (any Crew)?
        var lanes: [Lane] = []
        var clock: EventLoop?
        var rawHits: Bool
        /// When adjustments take effect that have not yet, in the order in which they came.
        var pending: [Pending] = []
        /// Adjustments that came before the start.
        var early: [@Sendable () -> Void] = []
        var isOver = false
    }

    /// An adjustment that waits for its time.
    private final class Pending: Sendable {
        let time: Instant
        init(at time: Instant) { self.time = time }
    }

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
        live = Mutex(Live(rawHits: plan.rawHits))
    }

    /// Runs the plan to its end, once. The last batch has been handed over when this returns; no thread and no
    /// descriptor is left. Cancelling the caller's task aborts the run.
    ///
    /// An iteration that ignores its cancellation for five seconds after the grace is given up: it is counted as
    /// interrupted and left behind with its loop, and the run ends there, whatever cycles are still to come.
    ///
    /// - Parameters:
    ///   - begin: Called once everything is prepared; the run waits for what it returns: time 0 of the run, at which the
    ///     users of the first cycle start, or nil if it must not start any more. If that point is past already they start
    ///     at once; a duration ends when it would have ended all the same. Whoever stops a run that waits must see to it
    ///     that this returns.
    ///   - onStart: Called when the users start, with time 0 of the run and how far behind it they start. Not called if
    ///     the run was stopped before.
    public func run(
        startingAt begin: @escaping @Sendable () async -> Instant? = { .now },
        onStart: @escaping @Sendable (_ start: Instant, _ late: Duration) -> Void = { _, _ in }
    ) async -> RunEnding {
        let clock = EventLoop(name: "loads-clock")
        let run = Task(executorPreference: clock) { await self.perform(clock, begin, onStart) }
        let ending = await withTaskCancellationHandler {
            await run.value
        } onCancel: {
            abort()
        }
        await clock.shutdown()
        return ending
    }

    private func perform(
        _ clock: EventLoop, _ begin: @Sendable () async -> Instant?, _ onStart: @Sendable (Instant, Duration) -> Void
    ) async -> RunEnding {
        let group = EventLoopGroup(count: plan.loops, precise: plan.precise)
        let registry = NameRegistry(limit: plan.maxNames)
        let counters = counters ?? LiveCounters.local()
        let lanes = group.loops.enumerated().map {
            Lane(
                number: $0, loop: $1, start: .now, plan: plan, registry: registry, counters: counters,
                byScenario: scenarios.count > 1)
        }
        let crew = makeCrew(plan, scenarios, lanes, clock)
        var left = 0
        var stuck: Set<Int> = []
        if let start = await begin(), await reach(start, lanes, clock) {
            open(crew, lanes, clock)
            let collector = BatchCollector(
                lanes: lanes, clock: clock, start: start, users: { crew.count }, onBatch: onBatch)
            onStart(start, .nanoseconds(max(0, Instant.now.nanoseconds(since: start))))
            stuck = await play(crew, collector, clock, from: start)
            close()
            left = await collector.finish(stuck: stuck) { [plan, patience, control] count, statistics in
                if !control.cancelsStopped { statistics.cutOff(count, after: patience, plan) }
            }
        } else {
            control.stop(interrupted: true)
            close()
        }
        for (index, lane) in lanes.enumerated() where !stuck.contains(index) { await lane.loop.shutdown() }
        control.forget()
        // Whoever was left behind may still count.
        if stuck.isEmpty && self.counters == nil { counters.deallocate() }
        return RunEnding(
            interrupted: control.wasInterrupted, leftBehind: left, endedUsers: control.endedUsers,
            wasDeserted: crew.wasDeserted)
    }

    private func makeCrew(
        _ plan: Plan, _ scenarios: [Scenario], _ lanes: [Lane], _ clock: EventLoop, part: Int? = nil
    ) -> any Crew {
        switch plan.model {
        case .cycles:
            return CycleCrew(
                plan: plan, scenarios: scenarios, lanes: lanes, clock: clock, control: control, patience: patience)
        case .users(let stages):
            return StageCrew(
                stages, plan: plan, scenarios: scenarios, lanes: lanes, clock: clock, control: control,
                patience: patience)
        case .arrivals(let arrivals):
            return ArrivalCrew(
                arrivals, plan: plan, scenarios: scenarios, lanes: lanes, clock: clock, control: control,
                patience: patience, part: part)
        case .mix:
            let parts = plan.parts.enumerated().map { index, part in
                let own = scenarios.filter { part.scenarios.contains($0.name) }
                // A part whose tests are all disabled has nothing to run.
                return (part.start, own.isEmpty ? nil : makeCrew(part.plan, own, lanes, clock, part: index))
            }
            return MixCrew(parts, clock: clock, control: control)
        }
    }

    /// Waits for the start. Returns whether there is one.
    private func reach(_ start: Instant, _ lanes: [Lane], _ clock: EventLoop) async -> Bool {
        for lane in lanes { await lane.onLoop { lane.start(at: start) } }
        await control.sleep(until: start, on: clock)
        return !control.isStopping
    }

    /// Plays the plan. Returns the lanes with iterations left behind.
    private func play(
        _ crew: any Crew, _ collector: BatchCollector, _ clock: EventLoop, from start: Instant
    ) async -> Set<Int> {
        let ticking = Task.detached(executorPreference: clock) { await collector.tick() }
        await crew.perform(from: start)
        let stuck = await crew.dismiss()
        ticking.cancel()
        await ticking.value
        return stuck
    }

    /// Ends the run gracefully: no new iterations; running ones get the plan's grace. From any thread; asking again
    /// changes nothing.
    public func stop() { control.stop(interrupted: true) }

    /// Ends the run at once: running iterations are cancelled and counted as interrupted. From any thread.
    public func abort() { control.abort() }

    // MARK: While it runs

    /// Changes the number of users of the cycle that is running, at a point in time. From any thread.
    ///
    /// Users that are added get the cycle's amount (its iterations each, or its time until its end) and start at once;
    /// surplus ones, the highest numbers first, end after their running iteration. Users that have done their part
    /// count as the cycle's. Later cycles begin with the users that the plan gives them. What is asked for last counts:
    /// a change that would take effect later than one asked for after it, or at the same time, never does.
    ///
    /// - Parameters:
    ///   - users: How many there are from then on.
    ///   - firstNewUser: The number of the first one that is added: one that nobody in the run has had.
    ///   - time: When; at once if it is past.
    ///   - missed: Called instead, on a thread of the runner's, if no cycle is running at that time. One that comes before
    ///     the start waits for it.
    public func adjust(
        to users: Int, firstNewUser: Int, at time: Instant, missed: @escaping @Sendable () -> Void = {}
    ) {
        let running = live.withLock { live -> (any Crew, EventLoop)? in
            if let crew = live.crew { return (crew, live.clock!) }
            if !live.isOver {
                live.early.append { [weak self] in
                    self?.adjust(to: users, firstNewUser: firstNewUser, at: time, missed: missed)
                }
            }
            return nil
        }
        guard let (crew, clock) = running else {
            if live.withLock({ $0.isOver }) { missed() }
            return
        }
        let pending = Pending(at: time)
        live.withLock { live in
            live.pending.removeAll { $0.time >= time }
            live.pending.append(pending)
        }
        let control = control
        let taken = clock.submit { [self] in
            let timer = LoopTimer { [self] in
                let isDue = live.withLock { live in
                    let index = live.pending.firstIndex { $0 === pending }
                    if let index { live.pending.remove(at: index) }
                    return index != nil
                }
                // One that fires before its time was set free by the end of the run.
                guard isDue, Instant.now >= time, !control.isStopping else { return }
                if !crew.adjust(to: min(users, Plan.userLimit), firstNew: firstNewUser) { missed() }
            }
            clock.schedule(timer, at: time)
        }
        if !taken { missed() }
    }

    /// Changes a plan of stages or arrivals from a point in time on. From any thread; also before the start.
    ///
    /// - Parameters:
    ///   - model: The whole plan as it is then, from the start of the run on: a model of the same kind.
    ///   - firstNewUser: The number of the first user beyond those of the plan: one that nobody in the run has had.
    ///   - time: In nanoseconds since the start of the run.
    ///   - missed: Called instead, on a thread of the runner's, if the plan is of another kind, or the run is over.
    public func change(
        to model: LoadModel, firstNewUser: Int, from time: Int64, missed: @escaping @Sendable () -> Void = {}
    ) {
        let running = live.withLock { live -> (any Crew)? in
            if live.crew == nil, !live.isOver {
                live.early.append { [weak self] in
                    self?.change(to: model, firstNewUser: firstNewUser, from: time, missed: missed)
                }
            }
            return live.crew
        }
        if let running {
            if !running.change(to: model, firstNewUser: firstNewUser, from: time) { missed() }
        } else if live.withLock({ $0.isOver }) {
            missed()
        }
    }

    /// Whether batches carry every hit from now on. From any thread; also before the start.
    public func setRawHits(_ wanted: Bool) {
        let lanes = live.withLock { live in
            live.rawHits = wanted
            return live.lanes
        }
        for lane in lanes { lane.loop.submit { lane.setRawHits(wanted) } }
    }

    private func open(_ crew: any Crew, _ lanes: [Lane], _ clock: EventLoop) {
        let (rawHits, early) = live.withLock { live in
            live.crew = crew
            live.lanes = lanes
            live.clock = clock
            defer { live.early = [] }
            return (live.rawHits, live.early)
        }
        // Before the users' first jobs there.
        for lane in lanes { lane.loop.submit { lane.setRawHits(rawHits) } }
        for adjustment in early { adjustment() }
    }

    private func close() {
        live.withLock { live in
            live.isOver = true
            live.crew = nil
            live.lanes = []
            live.clock = nil
        }
    }
}

extension Statistics {
    /// Counts iterations that were cut off and left behind: their times are at least as long as they were waited for.
    fileprivate mutating func cutOff(_ count: Int, after patience: Duration, _ plan: Plan) {
        iterations.cutOff += count
        for _ in 0..<count {
            service.record(patience.wholeNanoseconds)
            if plan.arrivals != nil { response.record(patience.wholeNanoseconds) }
            if plan.arrivals == nil, plan.isOpen { unscheduled.record(patience.wholeNanoseconds) }
        }
    }
}

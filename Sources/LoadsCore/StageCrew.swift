import LoadsEventLoop
import Synchronization

/// Users that come and go by stages; each iterates while it is there.
final class StageCrew: Crew {
    private let plan: Plan
    private let scenarios: [Scenario]
    private let lanes: [Lane]
    private let clock: EventLoop
    private let control: RunControl
    private let overseer: Overseer
    private let pool: UserPool
    private let state: Mutex<State>

    private struct State {
        var timeline: UserTimeline
        /// Users that are to be there: those of the stripe below this number.
        var wanted = 0
        /// Users whose task runs.
        var active: Set<Int> = []
        /// Users that tests have ended.
        var ended: Set<Int> = []
        /// How many users of the stripe the plan has.
        var all: Int
        var change: (timeline: UserTimeline, from: Int64)?
        var isOver = false
    }

    init(
        _ stages: UserStages, plan: Plan, scenarios: [Scenario], lanes: [Lane], clock: EventLoop, control: RunControl,
        patience: Duration
    ) {
        self.plan = plan
        self.scenarios = scenarios
        self.lanes = lanes
        self.clock = clock
        self.control = control
        overseer = Overseer(clock: clock, control: control, grace: plan.grace, patience: patience)
        pool = UserPool(plan: plan, scenarios: scenarios, lanes: lanes)
        state = Mutex(State(timeline: UserTimeline(stages), all: stages.ownPeak))
        control.onStop { for lane in lanes { lane.wakeAll() } }
    }

    var count: Int { pool.count }

    func perform(from start: Instant) async {
        let length = state.withLock { $0.timeline.length }
        let deadline = start.advanced(by: .nanoseconds(length))
        let rules = UserRules(plan: plan, scenarios: scenarios, control: control, iterations: nil, deadline: deadline)
        // Not detached: the users inherit the caller's task-locals, which tell Swift Testing what test they run in.
        let work = Task(executorPreference: clock) { [self] in
            await withDiscardingTaskGroup { group in
                var now: Int64 = 0
                while !control.isStopping, !Task.isCancelled, !wasDeserted {
                    bring(at: now, rules, in: &group)
                    guard let next = next(after: now) else { break }
                    await control.sleep(until: start.advanced(by: .nanoseconds(next)), on: clock)
                    now = max(now, Instant.now.nanoseconds(since: start))
                }
                // The last stage may be one without a change.
                await control.sleep(until: deadline, on: clock, unless: { wasDeserted })
                state.withLock { state in
                    state.isOver = true
                    state.wanted = 0
                }
            }
        }
        _ = await overseer.wait(for: work, until: { deadline })
    }

    /// When to look again after a point in time; nil at the end.
    private func next(after time: Int64) -> Int64? {
        state.withLock { state in
            guard let next = state.timeline.next(after: time) else { return nil }
            // Looks again now and then: an adjustment may come while nothing else happens.
            return min(next, max(state.change?.from ?? .max, time + 1), time + 50_000_000)
        }
    }

    /// Sees to it that those are there that are wanted at a point in time.
    private func bring(at time: Int64, _ rules: UserRules, in group: inout DiscardingTaskGroup) {
        var coming: [Int] = []
        var going: [Int] = []
        state.withLock { state in
            let before = (count: state.wanted, stripe: state.timeline.stripe)
            if let change = state.change, change.from <= time {
                state.timeline = change.timeline
                state.change = nil
            }
            let stripe = state.timeline.stripe
            state.wanted = state.timeline.count(at: time)
            // Only an adjustment changes the stripe; otherwise those in between come or go.
            let first = stripe == before.stripe ? min(state.wanted, before.count) : 0
            for user in first..<max(state.wanted, before.count) {
                let was = user < before.count && before.stripe.owns(user)
                let isWanted = user < state.wanted && stripe.owns(user)
                if was && !isWanted { going.append(user) }
                if isWanted && !was { coming.append(user) }
            }
            for user in coming { pool.user(plan.firstUser + user)?.mayLeave = false }
            // Who is still in its last iteration just goes on.
            coming.removeAll { !state.active.insert($0).inserted }
        }
        let leaving = going.compactMap { pool.user(plan.firstUser + $0) }
        for user in leaving { user.mayLeave = true }
        pool.wake(leaving)
        for user in coming { add(user, rules, in: &group) }
    }

    private func add(_ number: Int, _ rules: UserRules, in group: inout DiscardingTaskGroup) {
        let user = pool.enter(plan.firstUser + number, lane: number % lanes.count)
        let life = UserLife(user: user, lane: lanes[number % lanes.count], rules: rules, begin: .now)
        let thread = plan.threads ? UserThread() : nil
        group.addTask(executorPreference: thread ?? user.executor) { [self] in
            repeat { await life.run() } while goesOn(user, number, rules)
            pool.leave(user)
            thread?.shutdown()
        }
    }

    /// Whether a user whose life has ended is wanted again by now.
    private func goesOn(_ user: VirtualUser, _ number: Int, _ rules: UserRules) -> Bool {
        if control.isStopping || Task.isCancelled || Instant.now >= rules.deadline! { return false }
        return state.withLock { state in
            if user.hasEnded {
                state.active.remove(number)
                state.ended.insert(number)
                return false
            }
            if number < state.wanted, state.timeline.stripe.owns(number) { return true }
            state.active.remove(number)
            return false
        }
    }

    /// Whether all users that the plan has, or will have, have ended.
    var wasDeserted: Bool { state.withLock { $0.all > 0 && $0.ended.count >= $0.all } }

    func change(to model: LoadModel, firstNewUser: Int, from time: Int64) -> Bool {
        guard case .users(let stages) = model else { return false }
        let all = stages.ownPeak
        return state.withLock { state in
            if state.isOver { return false }
            state.all = max(state.all, all)
            state.change = (UserTimeline(stages), time)
            return true
        }
    }

    func dismiss() async -> Set<Int> { await pool.dismiss() }
}

import LoadsEventLoop
import Synchronization

/// The users of an open model: arrivals are handed to free ones, and more are made as they are needed.
final class ArrivalCrew: Crew {
    private let arrivals: Arrivals
    /// What tells random arrivals of this part from those of others with the same seed.
    private let salt: Int
    private let plan: Plan
    private let lanes: [Lane]
    private let clock: EventLoop
    private let control: RunControl
    private let overseer: Overseer
    private let rules: UserRules
    private let pool: UserPool
    private let desk: ArrivalDesk
    /// Users to be made, each with its first arrival.
    private let wanted: AsyncStream<(lane: Int, first: Arrival?)>
    private let want: AsyncStream<(lane: Int, first: Arrival?)>.Continuation
    private let state: Mutex<State>

    private struct State {
        var dispatchers: [Dispatcher] = []
        var isOver = false
        /// Users that were made, or are about to be, and those that tests have ended.
        var made = 0
        var ended = 0
        /// Changes that came before the start.
        var early: [(arrivals: Arrivals, from: Int64)] = []
        /// How many users there may be.
        var limit: Int
        /// The most that there ever might be, and the numbers of those that changes have added: from which on, and the first.
        var mostUsers: Int
        var added: [(from: Int, number: Int)] = []
    }

    /// - Parameter part: Which part of a mix they are, so that they are counted apart, and drawn apart; nil is the whole plan.
    init(
        _ arrivals: Arrivals, plan: Plan, scenarios: [Scenario], lanes: [Lane], clock: EventLoop, control: RunControl,
        patience: Duration, part: Int?
    ) {
        var arrivals = arrivals
        // Nobody has chosen one for them.
        if arrivals.seed == 0 { arrivals.seed = plan.seed }
        self.arrivals = arrivals
        salt = (part ?? 0) * Plan.loopLimit
        self.plan = plan
        self.lanes = lanes
        self.clock = clock
        self.control = control
        overseer = Overseer(clock: clock, control: control, grace: plan.grace, patience: patience)
        rules = UserRules(
            plan: plan, scenarios: scenarios, control: control, iterations: nil, deadline: nil,
            arrivalsName: part != nil ? ScenarioStatistics.name(of: scenarios.map(\.name)) : nil)
        pool = UserPool(plan: plan, scenarios: scenarios, lanes: lanes)
        desk = ArrivalDesk(lanes: lanes.count, bound: arrivals.queue)
        (wanted, want) = AsyncStream.makeStream()
        state = Mutex(State(limit: arrivals.maxUsers, mostUsers: arrivals.maxUsers))
    }

    var count: Int { pool.count }

    func perform(from start: Instant) async {
        let deadline = start.advanced(by: arrivals.length)
        let dispatchers = makeDispatchers(start)
        let early = state.withLock { state in
            state.dispatchers = dispatchers
            return state.early
        }
        for change in early { apply(change.arrivals, dispatchers, from: change.from) }
        // Until the plan's time is over.
        desk.begin()
        desk.onEnd { [self] in
            for dispatcher in dispatchers { dispatcher.close() }
            want.finish()
        }
        control.onStop { [self] in end(dispatchers) }
        for dispatcher in dispatchers {
            let users = beforehand(of: dispatchers.count)
            await dispatcher.lane.onLoop { dispatcher.open(users: users) }
        }
        // Not detached: the users inherit the caller's task-locals, which tell Swift Testing what test they run in.
        let work = Task(executorPreference: clock) { [self] in
            await withDiscardingTaskGroup { group in
                group.addTask(executorPreference: clock) { [self] in
                    await control.sleep(until: deadline, on: clock, unless: { wasDeserted })
                    if wasDeserted { end(dispatchers) }
                    desk.end()
                }
                var made = lanes.map { _ in 0 }
                for await (lane, first) in wanted {
                    add(number(of: lane + made[lane] * lanes.count), lane, dispatchers[lane], first, in: &group)
                    made[lane] += 1
                }
            }
        }
        _ = await overseer.wait(for: work, until: { deadline }, cancelled: { [self] in end(dispatchers) })
        // Dispatchers know one another.
        for dispatcher in dispatchers { dispatcher.letGo() }
        state.withLock { state in
            state.dispatchers = []
            state.isOver = true
        }
    }

    private func makeDispatchers(_ start: Instant) -> [Dispatcher] {
        let stripes = arrivals.stripe.divided(into: lanes.count)
        let dispatchers = lanes.indices.map { index in
            var share = arrivals
            share.stripe = stripes[index]
            return Dispatcher(
                number: index, lane: lanes[index], arrivals: share, limit: limit(of: index, arrivals.maxUsers),
                desk: desk, control: control, start: start, scenario: rules.arrivalsName, salt: salt + index,
                makeUser: { [weak self, want] lane, first in
                    self?.state.withLock { $0.made += 1 }
                    want.yield((lane, first))
                })
        }
        for dispatcher in dispatchers { dispatcher.others = dispatchers }
        return dispatchers
    }

    /// Users of a lane when there may be so many in all.
    private func limit(of lane: Int, _ users: Int) -> Int { (users + lanes.count - 1 - lane) / lanes.count }

    /// Users that a lane makes before the first arrival: those of a tenth of a second, at the highest rate.
    private func beforehand(of lanes: Int) -> Int {
        let rate = (arrivals.stages.map(\.rate).max() ?? .zero).perSecond * arrivals.stripe.fraction / Double(lanes)
        return Int(min(1000, max(1, (rate / 10).rounded(.up))))
    }

    private func add(
        _ number: Int, _ lane: Int, _ dispatcher: Dispatcher, _ first: Arrival?, in group: inout DiscardingTaskGroup
    ) {
        let user = pool.enter(number, lane: lane)
        let life = ArrivalLife(user: user, dispatcher: dispatcher, rules: rules, desk: desk)
        let thread = plan.threads ? UserThread() : nil
        group.addTask(executorPreference: thread ?? user.executor) { [self] in
            await life.run(first)
            pool.leave(user)
            if user.hasEnded { state.withLock { $0.ended += 1 } }
            thread?.shutdown()
        }
    }

    /// Whether all users that there may be have ended, so that no arrival can be made any more.
    var wasDeserted: Bool {
        state.withLock { $0.made >= $0.limit && $0.ended > 0 && $0.ended == $0.made }
    }

    /// The number of this agent's user k: those that the plan did not foresee get numbers that nobody in the run has had.
    private func number(of user: Int) -> Int {
        if user < arrivals.maxUsers { return plan.firstUser + user }
        return state.withLock { state in
            let numbers = state.added.last { $0.from <= user }
            return numbers.map { $0.number + user - $0.from } ?? plan.firstUser + user
        }
    }

    /// No more iterations: what waits is not made one.
    private func end(_ dispatchers: [Dispatcher]) {
        for dispatcher in dispatchers { dispatcher.stop() }
        let left = desk.close()
        guard let first = dispatchers.first, !left.isEmpty else { return }
        first.lane.loop.submit { for arrival in left { first.drop(arrival) } }
    }

    func change(to model: LoadModel, firstNewUser: Int, from time: Int64) -> Bool {
        guard case .arrivals(let changed) = model else { return false }
        let dispatchers = state.withLock { state -> [Dispatcher]? in
            if state.isOver { return nil }
            state.limit = changed.maxUsers
            if changed.maxUsers > state.mostUsers {
                state.added.append((state.mostUsers, firstNewUser))
                state.mostUsers = changed.maxUsers
            }
            if state.dispatchers.isEmpty { state.early.append((changed, time)) }
            return state.dispatchers
        }
        guard let dispatchers else { return false }
        apply(changed, dispatchers, from: time)
        return true
    }

    private func apply(_ changed: Arrivals, _ dispatchers: [Dispatcher], from time: Int64) {
        desk.setBound(changed.queue)
        let stripes = changed.stripe.divided(into: lanes.count)
        for (index, dispatcher) in dispatchers.enumerated() {
            var share = changed
            share.stripe = stripes[index]
            dispatcher.change(to: share, limit: limit(of: index, changed.maxUsers), from: time)
        }
    }

    func dismiss() async -> Set<Int> { await pool.dismiss() }
}

/// What one user of an open model does: it waits for arrivals and makes each an iteration. Runs as the user's task.
struct ArrivalLife: Sendable {
    let user: VirtualUser
    let dispatcher: Dispatcher
    let rules: UserRules
    let desk: ArrivalDesk

    func run(_ first: Arrival?) async {
        user.control = rules.control
        let run = IterationRun(user: user, lane: dispatcher.lane, rules: rules)
        var random = SplitMix(of: user)
        var next = first
        var isNew = first == nil
        while true {
            if next == nil { next = await dispatcher.next(isNew: isNew) }
            isNew = false
            guard let arrival = next else { return }
            next = nil
            if rules.control.isStopping || Task.isCancelled {
                dispatcher.drop(arrival)
                continue
            }
            let index = rules.choose(&random)
            _ = await run.perform(index, from: .now, arrival)
            desk.end()
            if user.hasEnded { return }
        }
    }
}

import LoadsEventLoop
import Synchronization

/// The users of a plan of cycles, kept from cycle to cycle.
final class CycleCrew: Crew {
    private let plan: Plan
    private let scenarios: [Scenario]
    private let lanes: [Lane]
    private let clock: EventLoop
    private let control: RunControl
    private let users: [VirtualUser]
    /// Users whose task is running, for each lane.
    private let running: Mutex<[Int]>
    private let state: Mutex<State>

    private struct State {
        /// The cycle that is running.
        var shift: Shift?
        /// Users that adjustments have added, by their numbers.
        var extras: [Int: VirtualUser] = [:]
        /// The first number that nobody has had.
        var next: Int
        var wasDeserted = false
    }

    private let overseer: Overseer

    init(
        plan: Plan, scenarios: [Scenario], lanes: [Lane], clock: EventLoop, control: RunControl, patience: Duration
    ) {
        overseer = Overseer(clock: clock, control: control, grace: plan.grace, patience: patience)
        self.plan = plan
        self.scenarios = scenarios
        self.lanes = lanes
        self.clock = clock
        self.control = control
        let names = scenarios.map(\.name)
        users = (0..<plan.peakUsers).map { index in
            let lane = lanes[index % lanes.count]
            return VirtualUser(
                number: plan.firstUser + index, loop: lane.loop, recorder: lane.recorder, plan: plan, scenarios: names)
        }
        running = Mutex(Array(repeating: 0, count: lanes.count))
        state = Mutex(State(next: plan.firstUser + plan.peakUsers))
        control.onStop { for lane in lanes { lane.wakeAll() } }
    }

    /// Users running now.
    var count: Int { running.withLock { $0.reduce(0, +) } }

    var wasDeserted: Bool { state.withLock { $0.wasDeserted } }

    func perform(from start: Instant) async {
        for (index, cycle) in plan.cycles.enumerated() {
            if index > 0 { await control.sleep(plan.pause, on: clock) }
            if control.isStopping { break }
            guard await run(cycle, from: index == 0 ? start : .now) else { break }
        }
    }

    /// Runs one cycle to its end. One with a duration lasts as long, even while it has no users, unless tests have ended
    /// them all.
    ///
    /// - Parameter start: When its users start; ramp-up and duration are counted from there.
    /// - Returns: Whether all its users ended; otherwise some are left behind in an iteration that ignores that it was
    ///   cancelled.
    func run(_ cycle: Plan.Cycle, from start: Instant) async -> Bool {
        let deadline: Instant? =
            if case .duration(let length) = cycle.amount { start.advanced(by: length) } else { nil }
        let iterations: Int? = if case .iterations(let count) = cycle.amount { count } else { nil }
        let rules = UserRules(
            plan: plan, scenarios: scenarios, control: control, iterations: iterations, deadline: deadline)
        let shift = begin(cycle)
        defer { end(shift) }
        // Not detached: the users inherit the caller's task-locals, which tell Swift Testing what test they run in.
        let work = Task(executorPreference: clock) { [self] in
            await withDiscardingTaskGroup { group in
                shift.begin()
                if let deadline { hold(shift, until: deadline, in: &group) }
                for index in 0..<cycle.users {
                    let delay = Self.delay(of: index, of: cycle.users, over: plan.rampUp)
                    add(users[index], to: shift, rules, start.advanced(by: delay), in: &group)
                }
                shift.end()
                for await extras in shift.added {
                    for user in extras { add(user, to: shift, rules, start, in: &group) }
                }
            }
        }
        return await overseer.wait(for: work, until: { deadline })
    }

    private func begin(_ cycle: Plan.Cycle) -> Shift {
        for user in users { user.mayLeave = false }
        return state.withLock { state in
            let shift = Shift(Roster(first: plan.firstUser, users: cycle.users, next: state.next))
            state.shift = shift
            return shift
        }
    }

    private func end(_ shift: Shift) {
        state.withLock { state in
            state.next = shift.next
            state.wasDeserted = state.wasDeserted || shift.isDeserted
            state.shift = nil
        }
    }

    /// Keeps a cycle from ending before its time.
    private func hold(_ shift: Shift, until deadline: Instant, in group: inout DiscardingTaskGroup) {
        shift.begin()
        group.addTask(executorPreference: clock) { [self] in
            await control.sleep(until: deadline, on: clock, unless: { shift.isDeserted })
            shift.end()
        }
    }

    private func add(
        _ user: VirtualUser, to shift: Shift, _ rules: UserRules, _ begin: Instant, in group: inout DiscardingTaskGroup
    ) {
        let place = place(of: user.number)
        let lane = lanes[place]
        let life = UserLife(user: user, lane: lane, rules: rules, begin: begin)
        running.withLock { $0[place] += 1 }
        shift.begin()
        let thread = plan.threads ? UserThread() : nil
        group.addTask(executorPreference: thread ?? user.executor) { [self] in
            await life.run()
            running.withLock { $0[place] -= 1 }
            if user.hasEnded { shift.leave(user.number) }
            shift.end()
            thread?.shutdown()
        }
    }

    private func place(of number: Int) -> Int { (number - plan.firstUser) % lanes.count }

    // MARK: Adjustments

    /// Changes the number of users of the cycle that is running, now.
    ///
    /// Those that are added do the cycle's amount, without a ramp; surplus ones, the highest numbers first, end after
    /// their running iteration.
    ///
    /// - Returns: False when no cycle is running.
    func adjust(to users: Int, firstNew: Int) -> Bool {
        guard let shift = state.withLock({ $0.shift }) else { return false }
        return shift.adjust(to: users, firstNew: max(firstNew, plan.firstUser), make: extras, dismiss: dismiss)
    }

    private func extras(_ numbers: Range<Int>) -> [VirtualUser] {
        let extras = numbers.map { number in
            let lane = lanes[place(of: number)]
            return VirtualUser(
                number: number, loop: lane.loop, recorder: lane.recorder, plan: plan, scenarios: scenarios.map(\.name))
        }
        state.withLock { state in for user in extras { state.extras[user.number] = user } }
        return extras
    }

    private func dismiss(_ numbers: [Int]) {
        let leaving = state.withLock { state in
            numbers.compactMap { number in
                let index = number - plan.firstUser
                return users.indices.contains(index) ? users[index] : state.extras[number]
            }
        }
        for user in leaving { user.mayLeave = true }
        for (place, users) in Dictionary(grouping: leaving, by: { place(of: $0.number) }) {
            lanes[place].wake(Set(users.map(ObjectIdentifier.init)))
        }
    }

    /// User k of n starts at k/n of the ramp.
    static func delay(of index: Int, of count: Int, over ramp: Duration) -> Duration {
        .nanoseconds(Int64(Double(ramp.wholeNanoseconds) * (Double(index) / Double(count))))
    }

    /// Closes what the users own. Lanes with users left behind are left as they are: they may never answer.
    ///
    /// - Returns: Those lanes.
    func dismiss() async -> Set<Int> {
        let left = running.withLock { $0 }
        let all = users + state.withLock { Array($0.extras.values) }
        for index in lanes.indices where left[index] == 0 {
            let mine = all.filter { place(of: $0.number) == index }
            await lanes[index].onLoop {
                for user in mine {
                    user.attachment?.userEnded()
                    user.attachment = nil
                }
            }
        }
        return Set(left.indices.filter { left[$0] > 0 })
    }
}

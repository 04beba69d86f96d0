import LoadsEventLoop
import Synchronization

/// The users of a run, kept from cycle to cycle.
final class Crew: Sendable {
    private let plan: Plan
    private let scenarios: [Scenario]
    private let lanes: [Lane]
    private let clock: EventLoop
    private let control: RunControl
    private let users: [VirtualUser]
    /// Users whose task is running, for each lane.
    private let running: Mutex<[Int]>

    /// How long cancelled iterations may go on before they are left behind.
    private let patience: Duration

    init(
        plan: Plan, scenarios: [Scenario], lanes: [Lane], clock: EventLoop, control: RunControl, patience: Duration
    ) {
        self.patience = patience
        self.plan = plan
        self.scenarios = scenarios
        self.lanes = lanes
        self.clock = clock
        self.control = control
        users = (0..<plan.peakUsers).map { index in
            let lane = lanes[index % lanes.count]
            return VirtualUser(number: plan.firstUser + index, loop: lane.loop, recorder: lane.recorder, plan: plan)
        }
        running = Mutex(Array(repeating: 0, count: lanes.count))
        control.onStop { for lane in lanes { lane.wakeAll() } }
    }

    /// Users running now.
    var count: Int { running.withLock { $0.reduce(0, +) } }

    /// Runs one cycle to its end.
    ///
    /// - Returns: Whether all its users ended; otherwise some are left behind in an iteration that ignores that it was
    ///   cancelled.
    func run(_ cycle: Plan.Cycle) async -> Bool {
        let start = Instant.now
        let deadline: Instant? =
            if case .duration(let length) = cycle.amount { start.advanced(by: length) } else { nil }
        let rules = UserRules(
            plan: plan, scenarios: scenarios, control: control, amount: cycle.amount, deadline: deadline)
        // Not detached: the users inherit the caller's task-locals, which tell Swift Testing what test they run in.
        let work = Task(executorPreference: clock) { [self] in
            await withDiscardingTaskGroup { group in
                for index in 0..<cycle.users { add(index, of: cycle.users, rules, start, to: &group) }
            }
        }
        let gate = Gate()
        let end = Task.detached(executorPreference: clock) {
            await work.value
            gate.open(true)
        }
        let watcher = Task.detached(executorPreference: clock) { [self] in
            guard await watch(deadline) else { return }
            work.cancel()
            try? await clock.sleep(for: patience)
            if !Task.isCancelled { gate.open(false) }
        }
        let ended = await gate.wait()
        watcher.cancel()
        if ended { await end.value }
        await watcher.value
        return ended
    }

    /// Waits until running iterations must be cancelled. Returns false when the cycle ended before.
    private func watch(_ deadline: Instant?) async -> Bool {
        while !Task.isCancelled {
            if control.isAborted { return true }
            let end = [control.stoppedAt, deadline].compactMap { $0 }.min()
            if let end, Instant.now >= end.advanced(by: plan.grace) { return true }
            try? await clock.sleep(for: .milliseconds(10))
        }
        return false
    }

    private func add(
        _ index: Int, of count: Int, _ rules: UserRules, _ start: Instant, to group: inout DiscardingTaskGroup
    ) {
        let place = index % lanes.count
        let lane = lanes[place]
        let life = UserLife(
            user: users[index], lane: lane, rules: rules,
            begin: start.advanced(by: Self.delay(of: index, of: count, over: plan.rampUp)))
        running.withLock { $0[place] += 1 }
        let thread = plan.threads ? UserThread() : nil
        group.addTask(executorPreference: thread ?? lane.loop) { [self] in
            await life.run()
            running.withLock { $0[place] -= 1 }
            thread?.shutdown()
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
        for index in lanes.indices where left[index] == 0 {
            let mine = users.indices.filter { $0 % lanes.count == index }.map { users[$0] }
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

/// Opened once, with an answer; waited for by one.
final class Gate: Sendable {
    private let state = Mutex<(answer: Bool?, waiter: UnsafeContinuation<Bool, Never>?)>((nil, nil))

    /// Only the first answer counts.
    func open(_ answer: Bool) {
        let waiter = state.withLock { state -> UnsafeContinuation<Bool, Never>? in
            guard state.answer == nil else { return nil }
            state.answer = answer
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: answer)
    }

    func wait() async -> Bool {
        await withUnsafeContinuation { continuation in
            let answer = state.withLock { state in
                if state.answer == nil { state.waiter = continuation }
                return state.answer
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}

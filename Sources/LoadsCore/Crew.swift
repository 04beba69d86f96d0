import LoadsEventLoop
import Synchronization

/// The users of a run, kept from cycle to cycle.
final class Crew: Sendable {
    private let plan: Plan
    private let scenarios: [Scenario]
    private let lanes: [Lane]
    private let control: RunControl
    private let users: [VirtualUser]
    /// Users whose task is running, for each lane.
    private let running: Mutex<[Int]>

    init(plan: Plan, scenarios: [Scenario], lanes: [Lane], control: RunControl) {
        self.plan = plan
        self.scenarios = scenarios
        self.lanes = lanes
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
    func run(_ cycle: Plan.Cycle) async {
        let start = Instant.now
        let deadline: Instant? =
            if case .duration(let length) = cycle.amount { start.advanced(by: length) } else { nil }
        // Not detached: the users inherit the caller's task-locals, which tell Swift Testing what test they run in.
        let work = Task { [self] in
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<cycle.users { add(index, cycle, start, deadline, to: &group) }
            }
        }
        let gate = Gate()
        Task.detached {
            await work.value
            gate.open()
        }
        let watcher = Task.detached { [self] in
            if await self.watch(deadline) { work.cancel() }
            // Cancelled bodies that do not listen are left behind.
            try? await Task.sleep(for: .seconds(5))
            if !Task.isCancelled { gate.open() }
        }
        await gate.wait()
        watcher.cancel()
    }

    /// Waits until running iterations must be cancelled. Returns false when the cycle ended before.
    private func watch(_ deadline: Instant?) async -> Bool {
        while !Task.isCancelled {
            if control.isAborted { return true }
            let end = [control.stoppedAt, deadline].compactMap { $0 }.min()
            if let end, Instant.now >= end.advanced(by: plan.grace) { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    private func add(
        _ index: Int, _ cycle: Plan.Cycle, _ start: Instant, _ deadline: Instant?, to group: inout TaskGroup<Void>
    ) {
        let user = users[index]
        let place = index % lanes.count
        let lane = lanes[place]
        let delay = plan.rampUp.wholeNanoseconds / Int64(cycle.users) * Int64(index)
        let life = UserLife(
            user: user, lane: lane, control: control, plan: plan, scenarios: scenarios, amount: cycle.amount,
            begin: delay == 0 ? nil : Instant(nanoseconds: start.nanoseconds + delay), deadline: deadline)
        running.withLock { $0[place] += 1 }
        let thread = plan.threads ? UserThread() : nil
        group.addTask(executorPreference: thread ?? lane.loop) { [self] in
            await life.run()
            running.withLock { $0[place] -= 1 }
            thread?.shutdown()
        }
    }

    /// Closes what the users own.
    ///
    /// - Returns: For each lane with users that did not end, how many: their iterations are left behind.
    func dismiss() async -> [Int: Int] {
        let left = running.withLock { $0 }
        var abandoned: [Int: Int] = [:]
        for index in lanes.indices {
            if left[index] > 0 {
                abandoned[index] = left[index]
                continue
            }
            let mine = users.indices.filter { $0 % lanes.count == index }.map { users[$0] }
            await lanes[index].onLoop {
                for user in mine {
                    user.attachment?.userEnded()
                    user.attachment = nil
                }
            }
        }
        return abandoned
    }
}

/// Opened once; waited for by one.
final class Gate: Sendable {
    private let state = Mutex<(opened: Bool, waiter: UnsafeContinuation<Void, Never>?)>((false, nil))

    func open() {
        let waiter = state.withLock { state in
            state.opened = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    func wait() async {
        await withUnsafeContinuation { continuation in
            let opened = state.withLock { state in
                if !state.opened { state.waiter = continuation }
                return state.opened
            }
            if opened { continuation.resume() }
        }
    }
}

import LoadsEventLoop

/// What one user does in one cycle: iterations, think time, back-off, the end. Runs as the user's task.
struct UserLife: Sendable {
    let user: VirtualUser
    let lane: Lane
    let control: RunControl
    let plan: Plan
    let scenarios: [Scenario]
    let amount: Plan.Amount
    let begin: Instant?
    let deadline: Instant?

    /// An iteration that ends this fast with a hit that got no response means a dead server: users back off.
    private static let fastFailure: Int64 = 10_000_000
    private static let firstBackOff: Int64 = 10_000_000
    private static let longestBackOff: Int64 = 250_000_000
    /// How long a user may keep its loop before it lets others on.
    private static let turn: Int64 = 1_000_000

    func run() async {
        if let begin { await nap(until: begin) }
        var random = SplitMix(seed: UInt64(truncatingIfNeeded: user.number) &+ 0x9e37_79b9_7f4a_7c15)
        var done = 0
        var backOff: Int64 = 0
        var yielded = Instant.now
        while !control.isStopping && !Task.isCancelled {
            if case .iterations(let count) = amount, done >= count { return }
            let start = Instant.now
            if let deadline, start >= deadline { return }

            let scenario = scenarios.count == 1 ? scenarios[0] : scenarios[random.index(below: scenarios.count)]
            let errors = user.errors
            let service = await iterate(scenario, start)
            done += 1

            let failedFast = user.errors != errors && service < Self.fastFailure
            backOff = failedFast ? min(Self.longestBackOff, max(Self.firstBackOff, backOff * 2)) : 0
            let last = if case .iterations(let count) = amount { done >= count } else { false }
            let end = Instant(nanoseconds: start.nanoseconds + service)
            let wait = max(plan.think.wholeNanoseconds, backOff)
            if wait > 0 && !last {
                await nap(until: Instant(nanoseconds: end.nanoseconds + wait))
                yielded = .now
            } else if end.nanoseconds(since: yielded) > Self.turn {
                await Task.yield()
                yielded = .now
            }
        }
    }

    /// One iteration. Returns its service time in nanoseconds.
    private func iterate(_ scenario: Scenario, _ start: Instant) async -> Int64 {
        let context = IterationContext(user: user, number: user.nextIteration())
        onRecorder { $0.iterationStarted() }
        let outcome = await IterationContext.$current.withValue(context) { await scenario.body(context) }
        let service = Instant.now.nanoseconds(since: start)
        let result: IterationOutcome = context.hasFailed ? .failed : outcome
        let interrupted = Task.isCancelled
        let renew = plan.newConnections
        onRecorder { recorder in
            recorder.iterationEnded(result, interrupted: interrupted, service: service)
            if renew { user.attachment?.iterationEnded() }
        }
        return service
    }

    /// On the loop this is a plain call; a user with a thread of its own hops.
    private func onRecorder(_ body: @escaping @Sendable (Recorder) -> Void) {
        if lane.loop.isOnLoop {
            body(lane.recorder)
        } else {
            lane.loop.submit { [lane] in body(lane.recorder) }
        }
    }

    private func nap(until time: Instant) async {
        await lane.nap(until: deadline.map { min($0, time) } ?? time, control)
    }
}

/// A small, fast generator (SplitMix64, Steele et al. 2014): reproducible for each user, no system call.
struct SplitMix {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// A number from 0 up to, not including, `limit`.
    mutating func index(below limit: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(limit)).high) }
}

import LoadsEventLoop

/// What all users of a cycle go by.
final class UserRules: Sendable {
    let scenarios: [Scenario]
    let control: RunControl
    /// Iterations of each user; nil until the deadline.
    let iterations: Int?
    let deadline: Instant?
    /// Nanoseconds.
    let think: Int64
    let newConnections: Bool

    init(plan: Plan, scenarios: [Scenario], control: RunControl, amount: Plan.Amount, deadline: Instant?) {
        self.scenarios = scenarios
        self.control = control
        iterations = if case .iterations(let count) = amount { count } else { nil }
        self.deadline = deadline
        think = plan.think.wholeNanoseconds
        newConnections = plan.newConnections
    }
}

/// What one user does in one cycle: iterations, think time, back-off, the end. Runs as the user's task.
struct UserLife: Sendable {
    let user: VirtualUser
    let lane: Lane
    let rules: UserRules
    /// When the user starts.
    let begin: Instant

    /// How long a user may keep its loop before it lets others on.
    private static let turn: Int64 = 1_000_000

    func run() async {
        if begin > .now { await nap(until: begin) }
        var random = SplitMix(seed: UInt64(truncatingIfNeeded: user.number))
        var backOff = BackOff()
        var done = 0
        // One clock reading for the end of an iteration and the start of the next.
        var now = Instant.now
        var turnEnds = now.nanoseconds &+ Self.turn
        while !rules.control.isStopping && !user.mayLeave && !Task.isCancelled {
            if let count = rules.iterations, done >= count { return }
            if let deadline = rules.deadline, now >= deadline { return }

            let errors = user.errors
            let index = rules.scenarios.count == 1 ? 0 : random.index(below: rules.scenarios.count)
            let end = await iterate(index, now)
            done += 1

            let wait = max(
                rules.think,
                backOff.delay(afterError: user.errors != errors, service: end.nanoseconds(since: now)))
            now = end
            if wait > 0 {
                // Nobody waits after the last one.
                if done == rules.iterations { return }
                await nap(until: end.advanced(by: .nanoseconds(wait)))
            } else if end.nanoseconds > turnEnds {
                await Task.yield()
            } else {
                continue
            }
            now = .now
            turnEnds = now.nanoseconds &+ Self.turn
        }
    }

    /// One iteration. Returns its end.
    private func iterate(_ index: Int, _ start: Instant) async -> Instant {
        let scenario = rules.scenarios[index]
        let context = IterationContext(user: user, number: user.nextIteration())
        if lane.loop.isOnLoop {
            user.executor.activity = index
            lane.recorder.iterationStarted()
        } else {
            lane.loop.submit { [lane] in lane.recorder.iterationStarted() }
        }
        let outcome = await IterationContext.$current.withValue(context) { await scenario.body(context) }
        let end = Instant.now
        let result: IterationOutcome = context.hasFailed ? .failed : outcome
        let interrupted = Task.isCancelled
        let service = end.nanoseconds(since: start)
        if lane.loop.isOnLoop {
            finish(result, interrupted, service)
        } else {
            lane.loop.submit { finish(result, interrupted, service) }
        }
        return end
    }

    /// On the user's loop.
    private func finish(_ outcome: IterationOutcome, _ interrupted: Bool, _ service: Int64) {
        lane.recorder.iterationEnded(outcome, interrupted: interrupted, service: service)
        if rules.newConnections { user.attachment?.iterationEnded() }
    }

    private func nap(until time: Instant) async {
        await lane.nap(until: rules.deadline.map { min($0, time) } ?? time, user, rules.control)
    }
}

/// How long a user waits when the server is dead, so that it does not spin: doubling, until an iteration goes well.
struct BackOff {
    private var last: Int64 = 0

    /// An iteration that ends this fast, in nanoseconds, with a hit that got no response means a dead server.
    static let fastFailure: Int64 = 10_000_000
    static let shortest: Int64 = 10_000_000
    static let longest: Int64 = 250_000_000

    /// Nanoseconds to wait after an iteration.
    ///
    /// - Parameters:
    ///   - afterError: Whether one of its hits got no response.
    ///   - service: How long it took, in nanoseconds.
    mutating func delay(afterError: Bool, service: Int64) -> Int64 {
        last = afterError && service < Self.fastFailure ? min(Self.longest, max(Self.shortest, last * 2)) : 0
        return last
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

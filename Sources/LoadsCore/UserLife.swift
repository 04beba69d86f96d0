import LoadsEventLoop

/// What all users of a cycle, or of a whole plan without cycles, go by.
final class UserRules: Sendable {
    let scenarios: [Scenario]
    let control: RunControl
    /// The sums of the scenarios' weights, up to each.
    private let weights: [Int]
    /// Iterations of each user; nil until the deadline.
    let iterations: Int?
    let deadline: Instant?
    let think: ThinkTime
    /// Nanoseconds.
    let pacing: Int64
    let newConnections: Bool
    /// What arrivals are counted under; nil where they are the whole run's.
    let arrivalsName: String?

    init(
        plan: Plan, scenarios: [Scenario], control: RunControl, iterations: Int?, deadline: Instant?,
        arrivalsName: String? = nil
    ) {
        self.arrivalsName = arrivalsName
        self.scenarios = scenarios
        var sum = 0
        weights = scenarios.map { scenario in
            sum += max(1, plan.weights[scenario.name] ?? 1)
            return sum
        }
        self.control = control
        self.iterations = iterations
        self.deadline = deadline
        think = plan.think
        pacing = plan.pacing.wholeNanoseconds
        newConnections = plan.newConnections
    }

    /// Draws the scenario of an iteration.
    func choose(_ random: inout SplitMix) -> Int {
        if scenarios.count == 1 { return 0 }
        let drawn = random.index(below: weights[weights.count - 1])
        return weights.firstIndex { drawn < $0 }!
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
        user.control = rules.control
        if begin > .now { await nap(until: begin) }
        let run = IterationRun(user: user, lane: lane, rules: rules)
        var random = SplitMix(of: user)
        var backOff = BackOff()
        var done = 0
        // Who comes back does not do the same again.
        if let earlier = user.nextLife() { random.mix(earlier) }
        // One clock reading for the end of an iteration and the start of the next.
        var now = Instant.now
        var turnEnds = now.nanoseconds &+ Self.turn
        while !rules.control.isStopping && !user.mayLeave && !user.hasEnded && !Task.isCancelled {
            if let count = rules.iterations, done >= count { return }
            if let deadline = rules.deadline, now >= deadline { return }

            let errors = user.errors
            let index = rules.choose(&random)
            let end = await run.perform(index, from: now)
            done += 1

            let wait = max(
                rules.think.draw(&random), rules.pacing - end.nanoseconds(since: now),
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

/// What load a run makes: how many users or arrivals, how often, for how long, and how they behave.
public struct Plan: Sendable, Equatable {
    /// How much work each user of a cycle does.
    public enum Amount: Sendable, Equatable {
        /// So many iterations by each user.
        case iterations(Int)
        /// Iterations until this much time has passed since the cycle's start.
        case duration(Duration)
    }

    /// Users that work at the same time, and how much they do.
    public struct Cycle: Sendable, Equatable {
        /// At least 1; at most ``Plan/userLimit``.
        public var users: Int
        /// What each of them does.
        public var amount: Amount
        /// - Parameter users: At least 1.
        public init(users: Int, amount: Amount) {
            self.users = users
            self.amount = amount
        }
    }

    /// Who decides when an iteration starts.
    public var model: LoadModel
    /// The time between two cycles.
    public var pause: Duration = .zero
    /// The time over which the users of a cycle start, spread evenly.
    public var rampUp: Duration = .zero
    /// The time a user waits between two of its iterations, in closed models.
    public var think = ThinkTime.zero
    /// The least time from the start of a user's iteration to the start of its next, in closed models.
    public var pacing: Duration = .zero
    /// How long the run warms up: iterations that start (in open models: are due) before that are counted apart, in
    /// ``Statistics/warmUp``.
    public var warmUp: Duration = .zero
    /// Whether event loops spin through the last moments before a timer instead of sleeping. Starts are more punctual; each
    /// loop may take a whole core.
    public var precise = false
    /// How long running iterations may go on after a stop or the end of a duration, before they are cancelled.
    public var grace: Duration = .seconds(30)
    /// Whether a user's connections are closed after each iteration; otherwise they outlive it.
    public var newConnections = false
    /// One thread a user, for bodies that block.
    public var threads = false
    /// Event loops; nil is one a core.
    public var loops: Int?
    /// Total time-out of a request that names none; nil leaves the session's own (60 s).
    public var timeout: Duration?
    /// The origin that relative URLs resolve against and that replaces a session's own base.
    public var serverURL: String?
    /// Names kept apart; hits under further ones go to `(other)`.
    public var maxNames = Plan.standardMaxNames
    /// Whether somebody wants every hit (`--stream`).
    public var rawHits = false
    /// How often a scenario is drawn, by its name, compared with the others; 1 if it is not among these.
    public var weights: [String: Int] = [:]
    /// The number of the first user: 0 locally, an agent's offset in a shared run.
    public var firstUser = 0

    /// What random choices are drawn from: the same on all agents. From 0 to ``seedLimit``.
    public var seed = 0
    /// Whose part of the whole run this is.
    public var part = Part()

    /// One of the agents that share a run.
    public struct Part: Sendable, Equatable {
        /// From 0.
        public var index: Int
        /// How many agents share it, at least 1.
        public var count: Int
        /// - Parameter index: From 0, below the count. The standard is the whole run.
        public init(index: Int = 0, count: Int = 1) {
            self.index = index
            self.count = count
        }
    }

    public static let standardMaxNames = 1000
    /// The largest seed: what every language's numbers hold.
    public static let seedLimit = 1 << 53 - 1

    /// A plan of that model; everything else is as said at each property.
    public init(model: LoadModel) { self.model = model }
    /// A closed plan: cycles one after the other.
    public init(cycles: [Cycle]) { model = .cycles(cycles) }
    /// An open plan.
    public init(arrivals: Arrivals) { model = .arrivals(arrivals) }

    /// The cycles of a plan that has some, one after the other; one is the ordinary case, `-c 10:20:30` makes three. Empty in
    /// the other models; setting them makes the plan a closed one.
    public var cycles: [Cycle] {
        get { if case .cycles(let cycles) = model { cycles } else { [] } }
        set { model = .cycles(newValue) }
    }

    /// Iterations of all users in all cycles; nil where the plan counts no iterations.
    public var plannedIterations: Int? {
        guard case .cycles(let cycles) = model else { return nil }
        var sum = 0
        for cycle in cycles {
            guard case .iterations(let each) = cycle.amount else { return nil }
            let (count, isTooLarge) = cycle.users.multipliedReportingOverflow(by: each)
            let (total, isTooMuch) = sum.addingReportingOverflow(count)
            guard !isTooLarge, !isTooMuch else { return nil }
            sum = total
        }
        return sum
    }

    /// The arrivals of an open plan.
    public var arrivals: Arrivals? { if case .arrivals(let arrivals) = model { arrivals } else { nil } }

    /// Whether iterations start by a schedule, whatever the target does; in a mix, some of them.
    public var isOpen: Bool {
        switch model {
        case .cycles, .users: false
        case .arrivals: true
        case .mix(let parts): parts.contains { Plan(model: $0.model).isOpen }
        }
    }

    /// The most users that run at once; of a mix, if all its parts run at once.
    public var peakUsers: Int {
        switch model {
        case .cycles(let cycles): cycles.map(\.users).max() ?? 0
        case .users(let users): users.ownPeak
        case .arrivals(let arrivals): arrivals.maxUsers
        case .mix: parts.reduce(0) { $0 + $1.plan.peakUsers }
        }
    }

    /// From the start to the end of the plan, its grace aside; nil when it ends after so many iterations.
    public var length: Duration? {
        switch model {
        case .users(let users): return users.length
        case .arrivals(let arrivals): return arrivals.length
        case .cycles(let cycles):
            var length = pause * max(0, cycles.count - 1)
            for cycle in cycles {
                guard case .duration(let time) = cycle.amount else { return nil }
                length += time
            }
            return length
        case .mix:
            var length = Duration.zero
            for part in parts {
                guard let own = part.plan.length else { return nil }
                length = max(length, part.start + own)
            }
            return length
        }
    }

    /// The parts of a mix as plans of their own, with users of their own; empty in other models.
    public var parts: [(scenarios: [String], start: Duration, plan: Plan)] {
        guard case .mix(let parts) = model else { return [] }
        var first = firstUser
        return parts.map { part in
            var plan = self
            plan.model = part.model
            plan.think = part.think
            plan.pacing = part.pacing
            plan.pause = part.pause
            plan.rampUp = part.rampUp
            plan.firstUser = first
            first += plan.userNumbers
            return (part.scenarios, part.start, plan)
        }
    }

    /// How many numbers of users there are from ``firstUser`` on: users of stages have gaps between theirs.
    public var userNumbers: Int {
        switch model {
        case .users(let users): users.peak
        case .mix: parts.reduce(0) { $0 + $1.plan.userNumbers }
        default: peakUsers
        }
    }
}

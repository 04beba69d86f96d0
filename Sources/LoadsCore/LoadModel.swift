/// Who decides when an iteration starts: the users (closed), or a schedule (open).
public enum LoadModel: Sendable, Equatable {
    /// Closed: cycles of users, one after the other. Each user starts its next iteration when the last one has ended.
    case cycles([Plan.Cycle])
    /// Closed: a number of users that changes over time. Each iterates while it is there.
    case users(UserStages)
    /// Open: iterations start at a rate, whatever the target does. A slow target does not slow the arrivals.
    case arrivals(Arrivals)
    /// Several of them side by side, each with scenarios of its own.
    case mix([MixPart])
}

/// One part of a mix: some of the run's scenarios under a model of their own.
public struct MixPart: Sendable, Equatable {
    /// Names of scenarios; those under which a test's cases run are one.
    public var scenarios: [String]
    /// When it starts, after the start of the run.
    public var start: Duration
    /// Any but a mix.
    public var model: LoadModel
    /// As ``Plan/think``, for its users.
    public var think: ThinkTime
    /// As ``Plan/pacing``, for its users.
    public var pacing: Duration
    /// As ``Plan/pause``, between its cycles.
    public var pause: Duration
    /// As ``Plan/rampUp``, of its cycles.
    public var rampUp: Duration
    /// - Parameter model: Any but a mix.
    public init(
        scenarios: [String], start: Duration = .zero, model: LoadModel, think: ThinkTime = .zero,
        pacing: Duration = .zero, pause: Duration = .zero, rampUp: Duration = .zero
    ) {
        self.scenarios = scenarios
        self.start = start
        self.model = model
        self.think = think
        self.pacing = pacing
        self.pause = pause
        self.rampUp = rampUp
    }
}

/// Time over which the number of users goes evenly from where it was to a target.
public struct UserStage: Sendable, Equatable {
    /// Zero is a jump.
    public var duration: Duration
    /// Users at its end.
    public var users: Int
    /// - Parameter users: Those at its end.
    public init(duration: Duration, users: Int) {
        self.duration = duration
        self.users = users
    }
}

/// Users that come and go by stages: 0 before the first one, gone after the last one.
///
/// User k of the run is there while more than k users are wanted. Of several agents each has the users that its
/// ``stripe`` owns, so that their sum is the plan at every point in time.
public struct UserStages: Sendable, Equatable {
    /// One after the other; each begins with the users of the last one's end.
    public var stages: [UserStage]
    /// Which of the users are this agent's.
    public var stripe: Stripe
    /// - Parameter stripe: Every user, unless several agents share them.
    public init(stages: [UserStage], stripe: Stripe = .whole) {
        self.stages = stages
        self.stripe = stripe
    }

    /// From the start to the end of the last stage.
    public var length: Duration { stages.reduce(.zero) { $0 + $1.duration } }

    /// The most users at once of the whole plan, all agents together.
    public var peak: Int { stages.map(\.users).max() ?? 0 }

    /// The most users at once of this stripe.
    public var ownPeak: Int { stripe.count(below: peak) }
}

/// Time over which the arrival rate goes evenly from where it was to a target.
public struct RateStage: Sendable, Equatable {
    /// Zero is a jump.
    public var duration: Duration
    /// The rate at its end.
    public var rate: ArrivalRate
    /// - Parameter rate: That at its end.
    public init(duration: Duration, rate: ArrivalRate) {
        self.duration = duration
        self.rate = rate
    }
}

/// Iterations that start by a schedule, each with its intended start.
///
/// An arrival is handed to a free user; users are made as they are needed, up to ``maxUsers``. With no free user it waits
/// in a queue; one that finds the queue full is dropped and counted.
public struct Arrivals: Sendable, Equatable {
    /// How the rate goes, beginning at 0: a constant rate is a jump and then a stage of its length.
    public var stages: [RateStage]
    /// The most users at once.
    public var maxUsers: Int
    /// The most arrivals that wait for a user; 0 drops what finds none.
    public var queue: Int
    /// Random arrivals, independent of one another, instead of evenly spaced ones: a Poisson process of that rate.
    public var poisson: Bool
    /// What Poisson arrivals are drawn from, from 0 to 2⁵³ − 1. A master makes another one of it for each agent; 0 is replaced
    /// before by one that is made of ``Plan/seed``, or of the run's name where that is 0, too.
    public var seed: Int
    /// Which of the arrivals are this agent's.
    public var stripe: Stripe

    /// - Parameters:
    ///   - maxUsers: nil makes it ``standardMaxUsers(for:)``.
    ///   - queue: nil makes it the larger of ``maxUsers`` and 1,000.
    public init(
        stages: [RateStage], maxUsers: Int? = nil, queue: Int? = nil, poisson: Bool = false, seed: Int = 0,
        stripe: Stripe = .whole
    ) {
        self.stages = stages
        self.maxUsers = maxUsers ?? Self.standardMaxUsers(for: stages)
        self.queue = queue ?? Self.standardQueue(for: self.maxUsers)
        self.poisson = poisson
        self.seed = seed
        self.stripe = stripe
    }

    /// One rate for so long.
    public init(rate: ArrivalRate, for duration: Duration, maxUsers: Int? = nil, queue: Int? = nil) {
        self.init(
            stages: [RateStage(duration: .zero, rate: rate), RateStage(duration: duration, rate: rate)],
            maxUsers: maxUsers, queue: queue)
    }

    /// Enough users for iterations of 10 s at the highest rate; from 10 to 10,000.
    public static func standardMaxUsers(for stages: [RateStage]) -> Int {
        let peak = stages.map(\.rate.perSecond).max() ?? 0
        return Int(min(10_000, max(10, (peak * 10).rounded(.up))))
    }

    /// As many as there may be users; at least 1,000.
    public static func standardQueue(for maxUsers: Int) -> Int { max(1000, maxUsers) }

    /// From the start to the end of the last stage.
    public var length: Duration { stages.reduce(.zero) { $0 + $1.duration } }

    /// When which arrival is due, all agents together.
    public var schedule: Schedule { Schedule(stages) }
}

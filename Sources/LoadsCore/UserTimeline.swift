import LoadsEventLoop

/// How many users are wanted when, under stages of users. A pure structure: times are nanoseconds since the start.
///
/// Going up from a to b users in D, user k (a ≤ k < b) comes at (k − a)/(b − a) of D; going down, the highest goes first, and
/// user k (b ≤ k < a) at (a − k)/(a − b) of D. So the first of a ramp comes at once, and at its end all are there, or gone.
struct UserTimeline: Sendable {
    private struct Stage: Sendable {
        var start: Int64
        var duration: Int64
        var from: Int
        var to: Int
        var steps: Int { abs(to - from) }

        /// When so many have come or gone, rounded up.
        func time(_ step: Int) -> Int64 {
            let steps = UInt128(steps)
            return start + Int64((UInt128(duration) * UInt128(step) + (steps - 1)) / steps)
        }

        /// How many have come or gone: those whose time is not after this one.
        func passed(at time: Int64) -> Int { Int(UInt128(time - start) * UInt128(steps) / UInt128(duration)) }
    }

    private let stages: [Stage]
    let stripe: Stripe
    /// The end of the last stage, when all go.
    let length: Int64

    init(_ users: UserStages) {
        stripe = users.stripe
        var time: Int64 = 0
        var count = 0
        stages = users.stages.map { stage in
            let duration = max(0, stage.duration.wholeNanoseconds)
            defer {
                time += duration
                count = stage.users
            }
            return Stage(start: time, duration: duration, from: count, to: stage.users)
        }
        length = time
    }

    /// The users, of all agents together, that are wanted at a point in time; what happens then has happened.
    func count(at time: Int64) -> Int {
        guard time >= 0, time < length else { return 0 }
        let stage = stages[stages.lastIndex { $0.start <= time && $0.duration > 0 }!]
        if stage.to > stage.from { return min(stage.to, stage.from + stage.passed(at: time) + 1) }
        return stage.from - stage.passed(at: time)
    }

    /// When the next user of the stripe comes or goes after a point in time, or the stage ends.
    ///
    /// - Returns: nil at the end.
    func next(after time: Int64) -> Int64? {
        guard let stage = stages.first(where: { $0.start + $0.duration > time }) else { return nil }
        let count = count(at: max(time, stage.start))
        if stage.to > stage.from {
            guard let user = stripe.next(from: count, below: stage.to) else { return stage.start + stage.duration }
            return stage.time(user - stage.from)
        }
        for user in (stage.to..<max(stage.to, count)).reversed() where stripe.owns(user) {
            return stage.time(stage.from - user)
        }
        return stage.start + stage.duration
    }
}

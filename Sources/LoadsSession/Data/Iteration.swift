internal import LoadsCore

/// Who the current task works for: numbers that tell users and iterations of a run apart, on whatever agent.
///
/// ```swift
/// let name = "user-\(Iteration.user)-\(Iteration.number)"
/// var random = Iteration.random
/// let article = articles.randomElement(using: &random)
/// ```
///
/// A task-local: child tasks and `Task {}` know it, detached tasks and queues do not.
public enum Iteration {
    /// Whether this is a load run.
    public static var isLoad: Bool { IterationContext.current != nil }

    /// The user's number: unique in the whole run, from 0, and the same in all of its iterations. 0 outside of a load run.
    public static var user: Int { IterationContext.current?.user.number ?? 0 }

    /// Which of the user's iterations it is, from 0. 0 outside of a load run.
    public static var number: Int { IterationContext.current?.number ?? 0 }

    /// The seed of the run: drawn by `loads`, or given with `--seed`; the same on all agents. 0 outside of a load run.
    public static var seed: Int { IterationContext.current?.user.plan.seed ?? 0 }

    /// A generator of random numbers for this iteration: of the same seed, user and iteration it draws the same. Each one that
    /// is made in an iteration draws others.
    public static var random: IterationRandom { IterationRandom(state: IterationContext.current?.random() ?? 0) }
}

/// Reproducible random numbers (SplitMix64, Steele et al. 2014). Not for secrets.
public struct IterationRandom: RandomNumberGenerator, Sendable {
    var state: UInt64

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

import LoadsEventLoop

/// The users of a run under one load model, from the start to the end of its plan.
protocol Crew: AnyObject, Sendable {
    /// Users running now.
    var count: Int { get }

    /// Runs the plan. Returns when all users have ended, or have been given up.
    func perform(from start: Instant) async

    /// Whether it ended, wholly or in a part, before its time, because tests have ended all its users.
    var wasDeserted: Bool { get }

    /// Changes the number of users of the cycle that is running, now.
    ///
    /// - Returns: False when no cycle is running.
    func adjust(to users: Int, firstNew: Int) -> Bool

    /// Goes by another model from a point in time on.
    ///
    /// - Parameters:
    ///   - firstNewUser: The number of the first user beyond those of the plan: one that nobody in the run has had.
    ///   - time: In nanoseconds since the start.
    /// - Returns: False when the plan is not of that kind, or over.
    func change(to model: LoadModel, firstNewUser: Int, from time: Int64) -> Bool

    /// Closes what the users own. Lanes with users left behind are left as they are: they may never answer.
    ///
    /// - Returns: Those lanes.
    func dismiss() async -> Set<Int>
}

extension Crew {
    func adjust(to users: Int, firstNew: Int) -> Bool { false }
    func change(to model: LoadModel, firstNewUser: Int, from time: Int64) -> Bool { false }
}

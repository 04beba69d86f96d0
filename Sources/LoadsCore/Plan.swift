/// What load a run makes: how many users, how often, for how long, and how they behave.
///
/// A closed model: each user starts its next iteration when the last one has ended.
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
        public var users: Int
        public var amount: Amount
        public init(users: Int, amount: Amount) {
            self.users = users
            self.amount = amount
        }
    }

    /// The cycles, one after the other; one is the ordinary case. `-c 10:20:30` makes three.
    public var cycles: [Cycle]
    /// The time between two cycles.
    public var pause: Duration = .zero
    /// The time over which the users of a cycle start, spread evenly.
    public var rampUp: Duration = .zero
    /// The time a user waits between two of its iterations.
    public var think: Duration = .zero
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
    public var maxNames = 1000
    /// Whether somebody wants every hit (`--stream`).
    public var rawHits = false
    /// The number of the first user: 0 locally, an agent's offset in a shared run.
    public var firstUser = 0

    public init(cycles: [Cycle]) { self.cycles = cycles }

    /// The most users that run at once.
    public var peakUsers: Int { cycles.map(\.users).max() ?? 0 }
}

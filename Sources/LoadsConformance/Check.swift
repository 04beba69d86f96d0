/// One thing that an agent must do, and how it is found out.
struct Check: Sendable {
    /// One short sentence.
    let name: String
    /// The chapter of `Docs/WireProtocol.md` that demands it.
    let chapter: String
    /// Beats each second are too slow to count; a lease of one second is soon over.
    var rules = Rules()
    var keys = Keys.none
    /// Whether the agent has a data directory, and may be killed and started again.
    var data = false
    /// Throws ``Deviation`` when the agent does something else.
    let body: @Sendable (Stage) async throws -> Void

    init(
        _ name: String, chapter: String, rules: Rules = Rules(), keys: Keys = .none, data: Bool = false,
        _ body: @escaping @Sendable (Stage) async throws -> Void
    ) {
        self.name = name
        self.chapter = chapter
        self.rules = rules
        self.keys = keys
        self.data = data
        self.body = body
    }
}

/// What keys the agent of a check has, and whether its master wants them.
enum Keys: Sendable {
    /// Neither has any.
    case none
    /// The agent has one that the master knows.
    case right
    /// The agent has one that its master has never seen.
    case wrong
    /// The master wants keys, the agent has none.
    case missing
}

/// How the scripted master behaves by itself; a check changes it as it goes.
struct Rules: Sendable {
    /// In nanoseconds, as the welcome says.
    var beat: Int64 = 200_000_000
    var lease: Int64 = 5_000_000_000
    var batchInterval: Int64 = 100_000_000
    /// Answers each hello with a welcome.
    var welcomes = true
    /// Answers each beat with a lease.
    var leases = true
    /// Acknowledges each result as it comes.
    var acknowledges = true
    /// Answers each fetch.
    var serves = true
    /// Changes a byte of each file that it serves.
    var damages = false
}

/// What was expected of an agent and what came.
struct Deviation: Error, Sendable {
    let expected: String
    let came: String
}

/// What came of one check.
public struct CheckResult: Sendable {
    /// Whether the agent did what was expected.
    public enum Outcome: Sendable, Equatable {
        /// It did.
        case ok
        /// It did not: both in words, for a person.
        case failed(expected: String, came: String)
        /// Not asked of this agent, and why.
        case skipped(String)
    }

    /// What the agent should do, as a sentence.
    public let name: String
    /// The chapter of `Docs/WireProtocol.md` that demands it.
    public let chapter: String
    /// What came of it.
    public let outcome: Outcome
    /// How long the check took.
    public let seconds: Double
}

/// Thrown by a check that does not apply.
struct NotApplicable: Error {
    let reason: String
}

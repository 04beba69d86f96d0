public import LoadsCore
public import LoadsWire

/// Where a master keeps its runs, so that another one can go on with them.
///
/// A commit is all or nothing, and the acknowledgement of a result goes out only after the commit that holds it.
public protocol RunStorage: Sendable {
    /// What a master that starts must know.
    ///
    /// - Throws: ``StorageError`` when there is something that is no storage of a master's.
    func load() async throws(StorageError) -> StoredState
    /// Whether there is a place for every hit of a run that keeps them.
    nonisolated var keepsHits: Bool { get }
    /// Stores what changed, in one transaction. Called again only when the last call has returned.
    ///
    /// - Parameter keys: Identities of agents whose key is another now; nil is one that is forgotten.
    /// - Returns: How many hits of each run could not be kept for want of room: the commit has succeeded without them.
    /// - Throws: ``StorageError``; then nothing of it is stored, and the master tries again with more.
    func commit(_ changes: [RunChanges], keys: [String: String?]) async throws(StorageError) -> [String: Int]
    /// A run with everything merged; nil when it is not known.
    func run(_ run: String) async throws(StorageError) -> StoredRun?
    /// The events of a run from a number on.
    func log(_ run: String, from number: Int, limit: Int) async throws(StorageError) -> [LogEntry]
    /// What was measured in each second of a run from a second on, in order.
    func seconds(_ run: String, from second: Int, limit: Int) async throws(StorageError) -> [(Int, Statistics)]
    /// The most users in each of the last seconds of a run, in order.
    func users(_ run: String, last: Int) async throws(StorageError) -> [(second: Int, users: Int)]
    /// Lets go of everything.
    func close() async
}

extension RunStorage {
    /// Reads all seconds: a storage that can do better does.
    public func users(_ run: String, last: Int) async throws(StorageError) -> [(second: Int, users: Int)] {
        var users: [(second: Int, users: Int)] = []
        while true {
            let page = try await seconds(run, from: users.last.map { $0.second + 1 } ?? 0, limit: 100)
            if page.isEmpty { return users.suffix(last) }
            users += page.map { ($0.0, $0.1.users) }
        }
    }
}

/// What a master finds when it starts.
public struct StoredState: Sendable {
    /// Runs that are not over, whole, in the order of their submission.
    public var open: [StoredRun] = []
    /// Those that are over: the last ones, the newest last.
    public var history: [ClusterStatus.RunStatus] = []
    /// The keys that agents' identities belong to.
    public var keys: [String: String] = [:]
    /// Of a storage that holds nothing yet.
    public init() {}
}

/// A run as it is stored.
public struct StoredRun: Sendable {
    /// What is known of it, beside what was measured.
    public var record: RunRecord
    /// What was measured since the start, of all agents.
    public var total: Statistics
    /// One for each agent and epoch that has delivered something.
    public var parts: [StoredPart]
    /// A run of which nothing was measured, unless said.
    public init(record: RunRecord, total: Statistics = Statistics(), parts: [StoredPart] = []) {
        self.record = record
        self.total = total
        self.parts = parts
    }
}

/// What one agent has measured under one epoch, and how far its results are stored.
public struct StoredPart: Sendable, Equatable {
    /// The agent's identity.
    public var agent: String
    /// The start of the agent, as in ``RunMember/epoch``.
    public var epoch: String
    /// The last sequence number.
    public var sequence: UInt64
    /// Hits merged, without those of the warm-up.
    public var hits: Int
    /// The end of its last batch, in seconds since the start.
    public var lastData: Double
    /// Iterations, health and users; no names.
    public var statistics: Statistics
    /// - Parameters:
    ///   - sequence: Of the last result that is in it.
    ///   - lastData: Seconds since the start.
    public init(
        agent: String, epoch: String, sequence: UInt64, hits: Int, lastData: Double, statistics: Statistics
    ) {
        self.agent = agent
        self.epoch = epoch
        self.sequence = sequence
        self.hits = hits
        self.lastData = lastData
        self.statistics = statistics
    }
}

/// What changed in a run since the last commit.
public struct RunChanges: Sendable {
    /// As it is now, whole.
    public var record: RunRecord
    /// The totals: of the names in it, and all that has no name. Nil when they did not change.
    public var total: Statistics?
    /// What is added to each second.
    public var seconds: [Int: Statistics]
    /// The parts that changed, as they are now.
    public var parts: [StoredPart]
    /// What is added to its log.
    public var events: [LogEntry]
    /// Hits to be kept, by agent.
    public var hits: [(agent: String, hits: [RawHit])]
    /// Changes of the record alone, unless said.
    public init(
        record: RunRecord, total: Statistics? = nil, seconds: [Int: Statistics] = [:], parts: [StoredPart] = [],
        events: [LogEntry] = [], hits: [(agent: String, hits: [RawHit])] = []
    ) {
        self.record = record
        self.total = total
        self.seconds = seconds
        self.parts = parts
        self.events = events
        self.hits = hits
    }
}

/// Why something could not be stored or read.
public struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of reasons.
    public enum Code: Sendable {
        /// No room, or the device fails: it may work later.
        case disk
        /// What is there is no storage of a master's, or of a newer one's, or broken.
        case foreign
        /// Another master uses it.
        case locked
        /// Anything else.
        case other
    }

    /// The kind of reason.
    public var code: Code
    /// What happened, to what, and what to do.
    public var message: String
    /// - Parameter message: What happened, to what, and what to do.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
    public var description: String { message }
}

extension RunRecord {
    /// The run as `loads status` shows it.
    public func status(_ total: Statistics, elapsed: Double) -> ClusterStatus.RunStatus {
        // A thousand of these make one answer: whoever wants every word asks for the run's snapshot.
        var state = state
        if case .refused(let code, let message) = state { state = .refused(code: code, message: message.inStatus) }
        return ClusterStatus.RunStatus(
            run: run, target: submission.target.inStatus, state: state, startedAt: startedAt, elapsed: elapsed,
            users: isOver ? 0 : total.users, iterations: total.iterations, hits: total.hitCount,
            failedHits: total.failedHitCount, outcome: outcome)
    }

    /// How it ended; nil while it has not.
    private var outcome: ClusterStatus.RunStatus.Outcome? {
        guard state == .ended else { return nil }
        if interrupted { return .stopped }
        if let crash { return crash.isLoss ? .lost : .crashed }
        return members.contains { $0.allMissing != nil } ? .incomplete : .finished
    }
}

extension String {
    /// Cut to what the status has room for: 500 bytes and an ellipsis.
    var inStatus: String {
        guard utf8.count > 500 else { return self }
        var end = utf8.index(startIndex, offsetBy: 500)
        while end.samePosition(in: self) == nil { end = utf8.index(before: end) }
        return self[..<end] + " …"
    }
}

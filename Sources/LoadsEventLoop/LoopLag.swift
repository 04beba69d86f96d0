/// How far a loop fell behind: the generator's own health.
public struct LoopLag: Sendable, Equatable {
    /// The latest that a timer fired after its deadline, in nanoseconds.
    public var latestTimer: Int64 = 0
    /// The longest that one job, timer or descriptor callback held the loop, in nanoseconds.
    public var longestJob: Int64 = 0
    /// How many of them held the loop for more than 10 ms: bodies that block. Those in an interval in which the machine
    /// kept the loop's thread waiting for a core are not counted.
    public var longJobs: Int = 0
    /// How long whatever happened had to wait for its loop for more than ``heldThreshold``, in nanoseconds: of each time in
    /// which the loop was held up, or woke late, what goes beyond that. Loops add up.
    public var held: Int64 = 0
    /// How long the loops' threads had something to do and no core to do it on, all together, in nanoseconds.
    public var waited: Int64 = 0
    /// Those of them whose tenant is known, by what it did (``LoopTenant``).
    public var holders: [String: LoopHold] = [:]

    /// Of a loop that has done nothing yet.
    public init() {}

    /// From how many nanoseconds on a job counts as long.
    public static let longJobThreshold: Int64 = 10_000_000
    /// How long a loop may be held up, in nanoseconds, before that counts.
    public static let heldThreshold: Int64 = 10_000_000

    /// The worse of both, in nanoseconds: what a request may have waited for its loop.
    public var worst: Int64 { max(latestTimer, longestJob) }

    /// Adds another loop's or interval's lag to this one.
    public mutating func merge(_ other: LoopLag) {
        latestTimer = max(latestTimer, other.latestTimer)
        longestJob = max(longestJob, other.longestJob)
        longJobs += other.longJobs
        waited += other.waited
        held += other.held
        for (name, hold) in other.holders { holders.add(hold, to: name) }
    }
}

/// How often something held its loop for more than 10 ms, and for how long at most.
public struct LoopHold: Sendable, Equatable {
    /// How often.
    public var count: Int
    /// In nanoseconds.
    public var longest: Int64
    /// - Parameter longest: Nanoseconds.
    public init(count: Int, longest: Int64) {
        self.count = count
        self.longest = longest
    }
}

extension [String: LoopHold] {
    /// Names kept apart; what further ones did goes to `(other)`.
    static let limit = 200

    /// Adds holds to those of a name.
    public mutating func add(_ hold: LoopHold, to name: String) {
        let key = self[name] != nil || count < Self.limit ? name : "(other)"
        let known = self[key] ?? LoopHold(count: 0, longest: 0)
        self[key] = LoopHold(count: known.count + hold.count, longest: Swift.max(known.longest, hold.longest))
    }
}

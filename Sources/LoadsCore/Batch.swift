/// What a runner hands over ten times a second: the statistics since the last one, and raw hits if they are wanted.
public struct Batch: Sendable, Equatable {
    /// What was counted in the interval. Of its health CPU time, memory and names are totals since the start.
    public var statistics: Statistics
    /// Raw hits; empty when nobody wants them.
    public var hits: [RawHit]
    /// The interval that it covers, in seconds since the start of the run.
    public var from: Double
    /// Its end, likewise; 0 is a batch that covers nothing yet.
    public var to: Double
    /// - Parameters: Both ends in seconds since the start of the run.
    public init(statistics: Statistics = Statistics(), hits: [RawHit] = [], from: Double = 0, to: Double = 0) {
        self.statistics = statistics
        self.hits = hits
        self.from = from
        self.to = to
    }

    /// Nothing in it but, perhaps, health.
    public var isEmpty: Bool {
        hits.isEmpty && statistics.names.isEmpty && statistics.iterations == IterationCounts()
            && statistics.failures.isEmpty && statistics.steps.isEmpty && statistics.checks.isEmpty
            && statistics.metrics.isEmpty && statistics.arrivals == ArrivalCounts() && statistics.warmUp == nil
    }

    /// The second of the run that it belongs to: that in whose middle it lies.
    public var second: Int { Self.second(from: from, to: to) }

    /// The second of the run in which the middle of an interval lies; at most ``lastSecond``.
    ///
    /// - Parameters: Both ends in seconds since the start of the run.
    public static func second(from: Double, to: Double) -> Int {
        let middle = (from + to) / 2
        guard middle.isFinite, middle > 0 else { return 0 }
        return Int(min(middle, Double(lastSecond)))
    }

    /// The last second that is kept apart: four weeks.
    public static let lastSecond = 28 * 86_400

    /// Adds a later batch of the same runner: the interval covers both.
    public mutating func merge(_ other: Batch) {
        statistics.merge(other.statistics)
        hits.append(contentsOf: other.hits)
        from = to == 0 ? other.from : min(from, other.from)
        to = max(to, other.to)
    }
}

/// One hit as the stream shows it.
public struct RawHit: Sendable, Equatable {
    /// Seconds from the start of the run to the call.
    public var time: Double
    /// The user's number, as in ``VirtualUser/number``.
    public var user: Int
    /// The user's how-manieth iteration, from 0, as in ``IterationContext/number``.
    public var iteration: Int
    /// The name it is grouped under, as the call gave it: also where too many names send it to `(other)`.
    public var name: String
    /// `GET`, `POST`, …
    public var method: String
    /// Absolute.
    public var url: String
    /// Nil when no complete response came.
    public var status: Int?
    /// Latency in nanoseconds.
    public var latency: Int64
    /// Bytes received on the wire, headers included.
    public var bytes: Int
    /// Exchanges it took, as in ``Hit/requests``.
    public var requests: Int
    /// The error's kind, or nil.
    public var error: String?

    /// - Parameters:
    ///   - time: Seconds from the start of the run to the call.
    ///   - latency: Nanoseconds.
    public init(
        time: Double, user: Int, iteration: Int, name: String, method: String, url: String, status: Int?,
        latency: Int64, bytes: Int, requests: Int, error: String?
    ) {
        self.time = time
        self.user = user
        self.iteration = iteration
        self.name = name
        self.method = method
        self.url = url
        self.status = status
        self.latency = latency
        self.bytes = bytes
        self.requests = requests
        self.error = error
    }
}

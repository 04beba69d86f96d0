/// What a runner hands over ten times a second: the statistics since the last one, and raw hits if they are wanted.
public struct Batch: Sendable, Equatable {
    public var statistics: Statistics
    public var hits: [RawHit]
    /// The interval that it covers, in seconds since the start of the run.
    public var from: Double
    public var to: Double
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
    public var user: Int
    public var iteration: Int
    public var name: String
    public var method: String
    public var url: String
    public var status: Int?
    /// Latency in nanoseconds.
    public var latency: Int64
    public var bytes: Int
    public var requests: Int
    /// The error's kind, or nil.
    public var error: String?

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

import LoadsEventLoop

/// How far a run is, and how it goes now.
public struct Progress: Sendable, Equatable {
    /// Seconds since the start.
    public var elapsed: Double = 0
    /// From 0 to 1; nil when the plan mixes counted and timed cycles.
    public var fraction: Double?
    /// Seconds, estimated from the pace so far; nil while it cannot be.
    public var timeLeft: Double?
    /// Users running.
    public var users = 0
    public var iterations = IterationCounts()
    public var hits = 0
    public var failedHits = 0
    /// Hits a second over the last seconds.
    public var hitRate: Double = 0
    /// Iterations a second over the last seconds.
    public var iterationRate: Double = 0
    /// The 95th percentile of the latency over the last seconds, in nanoseconds; nil without a hit.
    public var latency95: Int64?
    /// How the thresholds stand.
    public var thresholds: [ThresholdResult] = []

    public init() {}
}

/// Makes the progress from the batches. A pure structure: the clock comes as seconds since the start.
public struct ProgressMeter: Sendable {
    private let plan: Plan
    private var total = Progress()
    /// The last seconds: when each batch came, its hits, iterations and latencies.
    private var recent: [(time: Double, hits: Int, iterations: Int, latency: Histogram)] = []

    /// The seconds that "now" means.
    public static let window = 3.0

    public init(plan: Plan) { self.plan = plan }

    /// Starts from what was measured before this meter was there: an attaching client's snapshot.
    public mutating func start(from statistics: Statistics) {
        total.iterations.merge(statistics.iterations)
        total.hits += statistics.hitCount
        total.failedHits += statistics.failedHitCount
        total.users = statistics.users
    }

    /// Counts what was measured since the last call.
    ///
    /// - Parameter time: Seconds since the users started.
    public mutating func take(_ statistics: Statistics, at time: Double) {
        // Not `statistics.hits`, which merges the phases too: this is done ten times a second.
        var hits = 0
        var latency = Histogram()
        for name in statistics.names.values {
            hits += name.count
            total.failedHits += name.failed
            latency.merge(name.latency)
        }
        total.iterations.merge(statistics.iterations)
        total.hits += hits
        total.users = statistics.users
        recent.append((time, hits, statistics.iterations.ended, latency))
    }

    /// How far the run is; rate and percentile are those of the last seconds.
    ///
    /// - Parameter time: Seconds since the users started.
    public mutating func progress(at time: Double) -> Progress {
        recent.removeAll { $0.time < time - Self.window }
        var progress = total
        progress.elapsed = time
        let span = min(Self.window, max(time, 0.001))
        var latency = Histogram()
        for entry in recent { latency.merge(entry.latency) }
        progress.hitRate = Double(recent.reduce(0) { $0 + $1.hits }) / span
        progress.iterationRate = Double(recent.reduce(0) { $0 + $1.iterations }) / span
        progress.latency95 = latency.percentile(0.95)
        progress.fraction = fraction(at: time).map { min(1, $0) }
        if let fraction = progress.fraction, fraction > 0.005, time > 0.5 {
            progress.timeLeft = time * (1 - fraction) / fraction
        }
        return progress
    }

    private func fraction(at time: Double) -> Double? {
        var iterations = 0
        var seconds = plan.pause.inSeconds * Double(plan.cycles.count - 1)
        var counted = 0
        for cycle in plan.cycles {
            switch cycle.amount {
            case .iterations(let count):
                iterations += count * cycle.users
                counted += 1
            case .duration(let length): seconds += length.inSeconds
            }
        }
        if counted == plan.cycles.count { return Double(total.iterations.ended) / Double(max(1, iterations)) }
        return counted == 0 ? time / max(0.001, seconds) : nil
    }
}

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
    /// Since the start, those of the warm-up included.
    public var iterations = IterationCounts()
    /// Since the start, those of the warm-up included, failed ones too.
    public var hits = 0
    /// The failed ones among ``hits``.
    public var failedHits = 0
    /// Hits a second over the last seconds.
    public var hitRate: Double = 0
    /// Iterations a second over the last seconds.
    public var iterationRate: Double = 0
    /// Iterations a second that the plan of an open model wanted over the last seconds; nil in a closed one.
    public var wantedRate: Double?
    /// Arrivals that did not become iterations.
    public var dropped = 0
    /// The 95th percentile of the latency over the last seconds, in nanoseconds; nil without a hit.
    public var latency95: Int64?
    /// How the thresholds stand.
    public var thresholds: [ThresholdResult] = []

    /// Nothing has happened yet.
    public init() {}
}

/// Makes the progress from the batches. A pure structure: the clock comes as seconds since the start.
public struct ProgressMeter: Sendable {
    private let plan: Plan
    private var total = Progress()
    /// The last seconds: when each batch came, its hits, iterations and latencies.
    private var recent: [(time: Double, hits: Int, iterations: Int, latency: Histogram)] = []
    /// From when on this meter has been there; nil is from the beginning.
    private var since: Double?
    /// When something was last measured, as far as this meter knows.
    private var heard = 0.0
    /// A time from which nothing came for long. What comes at its end belongs to all of it.
    private var gap: (from: Double, to: Double)?

    /// The seconds that "now" means.
    public static let window = 3.0

    /// Seconds without anything that make a gap, and seconds in which all that was kept back meanwhile has come.
    private static let gapLength = 2.0

    /// When arrivals are due; nil in a closed model.
    private var schedule: Schedule?
    /// What was changed on the way.
    private var changes: [UserChange] = []
    /// The end of the newest interval that was taken, in seconds since the start.
    private var newest = 0.0

    /// - Parameter plan: Of all that is measured: the fraction done is a share of it.
    public init(plan: Plan) {
        self.plan = plan
        schedule = plan.arrivals?.schedule
    }

    /// Starts from what was measured before this meter was there: an attaching client's snapshot. Called again, it takes
    /// what was measured while somebody was out of touch: rates then are those of the whole time.
    ///
    /// - Parameters:
    ///   - statistics: Everything since the users started.
    ///   - time: Seconds since then.
    public mutating func start(from statistics: Statistics, at time: Double = 0) {
        let before = total
        total.iterations = statistics.allIterations
        total.hits = statistics.allHitCount
        total.failedHits = statistics.failedHitCount + (statistics.warmUp?.failedHitCount ?? 0)
        total.dropped = statistics.arrivals.dropped + (statistics.warmUp?.arrivals.dropped ?? 0)
        total.users = statistics.users
        if since == nil, before == Progress() {
            since = time
            heard = time
        } else {
            note(total.hits - before.hits, total.iterations.ended - before.iterations.ended, Histogram(), at: time)
        }
    }

    /// Takes what was adjusted on the way: from there on the plan wants another rate.
    ///
    /// - Parameter changes: All of them so far, in order.
    public mutating func take(_ changes: [UserChange]) {
        guard changes != self.changes else { return }
        self.changes = changes
        guard var arrivals = plan.arrivals else { return }
        for change in changes {
            guard let rate = change.rate else { continue }
            arrivals = arrivals.changed(to: rate, from: Int64(max(0, min(change.at, 1e9)) * 1e9))
        }
        schedule = arrivals.schedule
    }

    private mutating func note(_ hits: Int, _ iterations: Int, _ latency: Histogram, at time: Double) {
        recent.append((time, hits, iterations, latency))
        guard hits > 0 || iterations > 0 else { return }
        if time - heard > Self.gapLength { gap = (heard, time) }
        heard = max(heard, time)
    }

    /// Counts what was measured since the last call; the warm-up counts, too.
    ///
    /// - Parameters:
    ///   - time: When it came, in seconds since the users started.
    ///   - end: The end of the interval in which it was measured, likewise, if that is another: what is late says nothing of
    ///     the users that run now.
    public mutating func take(_ statistics: Statistics, at time: Double, of end: Double? = nil) {
        // Not `statistics.hits`, which merges the phases too: this is done ten times a second.
        var hits = 0
        var latency = Histogram()
        for statistics in [statistics, statistics.warmUp].compactMap(\.self) {
            for name in statistics.names.values {
                hits += name.count
                total.failedHits += name.failed
                latency.merge(name.latency)
            }
            total.dropped += statistics.arrivals.dropped
        }
        let iterations = statistics.allIterations
        total.iterations.merge(iterations)
        total.hits += hits
        if end ?? time >= newest {
            newest = end ?? time
            total.users = statistics.users
        }
        note(hits, iterations.ended, latency, at: time)
    }

    /// How far the run is; rate and percentile are those of the last seconds.
    ///
    /// - Parameter time: Seconds since the users started.
    public mutating func progress(at time: Double) -> Progress {
        let start = windowStart(at: time)
        recent.removeAll { $0.time < start }
        var progress = total
        progress.elapsed = time
        let span = max(time - start, 0.001)
        var latency = Histogram()
        for entry in recent { latency.merge(entry.latency) }
        progress.hitRate = Double(recent.reduce(0) { $0 + $1.hits }) / span
        progress.iterationRate = Double(recent.reduce(0) { $0 + $1.iterations }) / span
        progress.latency95 = latency.percentile(0.95)
        if let schedule {
            let before = schedule.arrivals(before: Int64(max(0, time - span) * 1e9))
            progress.wantedRate = (schedule.arrivals(before: Int64(min(time, 1e9) * 1e9)) - before) / span
        }
        progress.fraction = fraction(at: time).map { min(1, $0) }
        if let fraction = progress.fraction, fraction > 0.005, time > 0.5 {
            progress.timeLeft = time * (1 - fraction) / fraction
        }
        return progress
    }

    /// From when on "now" is: the last seconds, but never a part of a gap, nor the flood behind one.
    private func windowStart(at time: Double) -> Double {
        let start = max(since ?? 0, time - Self.window)
        guard let gap else { return start }
        // What came at its beginning was before it.
        if time < gap.to + Self.window { return min(start, gap.from.nextUp) }
        return max(start, gap.to + Self.gapLength)
    }

    private func fraction(at time: Double) -> Double? {
        if plan.cycles.isEmpty { return plan.length.map { time / max(0.001, $0.inSeconds) } }
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

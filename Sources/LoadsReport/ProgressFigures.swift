public import LoadsCore

/// How far a run is, in figures to be shown while it goes on.
public struct ProgressFigures: Sendable {
    /// Seconds since the users started.
    public var elapsed: Double
    /// From 0 to 1; nil when nobody can know.
    public var fraction: Double?
    /// Seconds left; nil when nobody can know.
    public var remaining: Double?
    /// Iterations that have ended.
    public var iterations: Int
    /// Of the iterations that have ended, those that failed.
    public var failedIterations: Int
    /// Hits so far.
    public var hits: Int
    /// Hits so far that failed.
    public var failedHits: Int
    /// Hits a second of late; iterations when the run makes no hits.
    public var rate: Double
    /// The 95th percentile of the latency of late, in nanoseconds; nil without hits.
    public var latency95: Int64?
    /// Iterations a second of late, and how many the plan wanted; nil in closed models.
    public var arrivals: (achieved: Double, wanted: Double)?
    /// Arrivals that did not become iterations.
    public var dropped: Int
    /// Somebody stopped the run; its iterations are coming to their end.
    public var stopping: Bool
    /// How the thresholds stand.
    public var thresholds: [ThresholdResult]

    /// - Parameters: Times in seconds, `latency95` in nanoseconds, `rate` a second.
    public init(
        elapsed: Double, fraction: Double?, remaining: Double?, iterations: Int, failedIterations: Int, hits: Int,
        failedHits: Int, rate: Double, latency95: Int64?, arrivals: (achieved: Double, wanted: Double)? = nil,
        dropped: Int = 0, stopping: Bool = false,
        thresholds: [ThresholdResult] = []
    ) {
        self.elapsed = elapsed
        self.fraction = fraction
        self.remaining = remaining
        self.iterations = iterations
        self.failedIterations = failedIterations
        self.hits = hits
        self.failedHits = failedHits
        self.rate = rate
        self.latency95 = latency95
        self.arrivals = arrivals
        self.dropped = dropped
        self.stopping = stopping
        self.thresholds = thresholds
    }
}

extension ProgressFigures {
    /// The progress on one line of a terminal: a bar, per cent, rate, p95, errors, time left.
    public func bar(_ style: Style) -> String {
        let percent = fraction.map { "\(Int(($0 * 100).rounded(.down))) %" } ?? Figures.time(seconds: elapsed)
        let text = "  \(percent.paddedLeft(to: 5))  \(facts.joined(separator: "  "))"
        // One column stays free: a terminal wraps when its last one is written.
        let room = (style.width ?? 80) - text.count - 3
        guard room >= 8 else { return text.shortened(to: max(1, (style.width ?? 80) - 1)) }
        // By the width, not by the text beside it: the bar must not jump about while that grows.
        let length = min(room, max(8, min(30, (style.width ?? 80) - 70)))
        let full = Int(Double(length) * (fraction ?? 0))
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: length - full)
        let isBad = failedHits + failedIterations > 0 || thresholds.contains { $0.state == .breached }
        return "  " + (isBad ? style.red(bar) : style.green(bar)) + text.dropFirst()
    }

    /// The progress as a line of a log.
    public var line: String {
        let percent = fraction.map { "\(Int(($0 * 100).rounded(.down))) %, " } ?? ""
        return "\(Figures.time(seconds: elapsed)): \(percent)\(facts.joined(separator: ", "))"
    }

    private var facts: [String] {
        var facts: [String] = []
        if hits > 0 {
            facts += [Figures.count(hits, "hit"), "\(Figures.rate(rate))/s"]
            if let latency95 { facts.append("p95 \(Figures.time(nanoseconds: Double(latency95)))") }
            facts.append("\(Figures.count(failedHits)) failed")
        } else {
            facts += [Figures.count(iterations, "iteration"), "\(Figures.rate(rate))/s"]
        }
        if let arrivals {
            // Past the plan's end none is due any more: what waited for a user still begins.
            let wanted = arrivals.wanted > 0 ? "of \(Figures.rate(arrivals.wanted))/s wanted" : "a second, no more due"
            facts.insert("\(Figures.rate(arrivals.achieved)) \(wanted)", at: 0)
        }
        if dropped > 0 { facts.append("\(Figures.count(dropped)) dropped") }
        if failedIterations > 0 { facts.append("\(Figures.count(failedIterations, "iteration")) failed") }
        facts += thresholds.inProgress
        if stopping {
            facts.append("stopping")
        } else if let remaining, remaining <= 0 {
            facts.append("the last ones end")
        } else if let remaining {
            facts.append("\(Figures.time(seconds: remaining)) left")
        }
        return facts
    }
}

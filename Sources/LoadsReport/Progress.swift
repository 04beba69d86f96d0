public import LoadsCore
internal import LoadsEventLoop

/// How far a run is, as it is shown while it goes on.
public struct Progress: Sendable, Equatable {
    /// Seconds since the users started.
    public var elapsed: Double
    /// From 0 to 1; nil when nobody can know.
    public var fraction: Double?
    /// Seconds left; nil when nobody can know.
    public var remaining: Double?
    public var users: Int
    /// Iterations that have ended, and how many of them failed.
    public var iterations: Int
    public var failedIterations: Int
    public var hits: Int
    /// Hits that failed.
    public var failed: Int
    /// Hits a second of late; iterations when the run makes no hits.
    public var rate: Double
    /// The 95th percentile of the latency of late, in nanoseconds; nil without hits.
    public var p95: Int64?
    /// Somebody stopped the run; its iterations are coming to their end.
    public var stopping = false
}

/// Keeps a run's progress: fed with each batch's statistics, it says at any time how far the run is.
///
/// A pure value: the caller brings the time.
public struct ProgressMeter: Sendable {
    private let plan: Plan
    private var iterations = IterationCounts()
    private var hits = 0
    private var failed = 0
    private var users = 0
    private var recent: [Slice] = []

    private struct Slice {
        var time: Double
        var hits: Int
        var iterations: Int
        var latency: Histogram
    }

    /// Over how many seconds the current rate and p95 are taken.
    static let window = 3.0

    public init(plan: Plan) { self.plan = plan }

    /// Adds what was measured since the last call.
    ///
    /// - Parameter time: Seconds since the start of the run.
    public mutating func add(_ statistics: Statistics, at time: Double) {
        let all = statistics.hits
        iterations.merge(statistics.iterations)
        hits += all.count
        failed += all.failed
        users = statistics.users
        recent.append(
            Slice(time: time, hits: all.count, iterations: statistics.iterations.ended, latency: all.latency))
        recent.removeAll { $0.time < time - Self.window }
    }

    /// How far the run is.
    public func progress(at time: Double) -> Progress {
        let late = recent.filter { $0.time >= time - Self.window }
        let latency = late.reduce(into: Histogram()) { $0.merge($1.latency) }
        let span = min(Self.window, max(time, 0.1))
        let ended = iterations.ended
        let count = hits > 0 ? late.reduce(0) { $0 + $1.hits } : late.reduce(0) { $0 + $1.iterations }
        let (fraction, remaining) = share(ended: ended, time: time)
        return Progress(
            elapsed: time, fraction: fraction, remaining: remaining, users: users, iterations: ended,
            failedIterations: iterations.failed, hits: hits, failed: failed, rate: Double(count) / span,
            p95: latency.percentile(0.95))
    }

    private func share(ended: Int, time: Double) -> (Double?, Double?) {
        var work = 0
        var seconds = 0.0
        for cycle in plan.cycles {
            switch cycle.amount {
            case .iterations(let count): work += cycle.users * count
            case .duration(let duration): seconds += duration.inSeconds
            }
        }
        if work > 0, seconds == 0 {
            let fraction = min(1, Double(ended) / Double(work))
            return (fraction, fraction > 0 ? time / fraction - time : nil)
        }
        guard work == 0, seconds > 0 else { return (nil, nil) }
        seconds += plan.pause.inSeconds * Double(plan.cycles.count - 1)
        return (min(1, max(0, time / seconds)), max(0, seconds - time))
    }
}

extension Progress {
    /// The progress on one line of a terminal: a bar, per cent, rate, p95, errors, time left.
    public func bar(_ style: Style) -> String {
        let percent = fraction.map { "\(Int(($0 * 100).rounded(.down))) %" } ?? Figures.time(seconds: elapsed)
        let text = "  \(percent.paddedLeft(to: 5))  \(facts.joined(separator: "  "))"
        // One column stays free: a terminal wraps when its last one is written.
        let room = (style.width ?? 80) - text.count - 3
        guard room >= 8 else { return text.shortened(to: max(1, (style.width ?? 80) - 1)) }
        let length = min(30, room)
        let full = Int(Double(length) * (fraction ?? 0))
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: length - full)
        return "  " + (failed + failedIterations > 0 ? style.red(bar) : style.green(bar)) + text.dropFirst()
    }

    /// The progress as a line of a log.
    public var line: String {
        let percent = fraction.map { "\(Int(($0 * 100).rounded(.down))) %, " } ?? ""
        return "\(Figures.time(seconds: elapsed)): \(percent)\(facts.joined(separator: ", "))"
    }

    private var facts: [String] {
        var facts: [String] = []
        if hits > 0 {
            facts += ["\(Figures.count(hits)) hits", "\(Figures.rate(rate))/s"]
            if let p95 { facts.append("p95 \(Figures.time(nanoseconds: Double(p95)))") }
            facts.append("\(Figures.count(failed)) failed")
        } else {
            facts += ["\(Figures.count(iterations)) iterations", "\(Figures.rate(rate))/s"]
        }
        if failedIterations > 0 { facts.append("\(Figures.count(failedIterations)) iterations failed") }
        if stopping {
            facts.append("stopping")
        } else if let remaining {
            facts.append("\(Figures.time(seconds: remaining)) left")
        }
        return facts
    }
}

/// One load that was tried, and how the target bore it.
public struct SizeStep: Sendable {
    /// What came of a step.
    public enum Outcome: String, Sendable, CaseIterable {
        /// Every threshold was kept to, and the numbers can be trusted.
        case kept
        /// A threshold was breached, by the target; or it keeps more users than it should (``SizeStep/outcome``).
        case breached
        /// The numbers are not the target's: the generator had enough to do with itself.
        case generatorLimited = "generator-limited"
        /// Arrivals were dropped, or waited long, because all the users that were allowed were busy: nothing is said of the target.
        case bounded = "max-users"
        /// No threshold could be judged, or something of the run is missing.
        case unclear
    }

    /// What was found out by it.
    public enum Purpose: String, Sendable, CaseIterable {
        /// Whether twice the load is borne; where between two loads the limit lies; whether the answer holds again.
        case climb, narrow, confirm
    }

    /// Users, or arrivals a second.
    public var load: Int
    /// Why it was tried.
    public var purpose: Purpose
    /// Of the run that tried it.
    public var summary: Summary

    /// - Parameter summary: Of the run under that load, with its thresholds judged.
    public init(load: Int, purpose: Purpose, summary: Summary) {
        self.load = load
        self.purpose = purpose
        self.summary = summary
    }

    /// From the run's verdict and its thresholds. A generator at its limit comes first, then a breach.
    ///
    /// Arrivals find no free user, or wait long for one, because the target keeps them all, or because there may be too few. A
    /// target that keeps as many as the arrivals of ten seconds need is too slow. With fewer, whoever allowed no more is the limit.
    ///
    /// Iterations that were cut off would have taken longer: what is breached without the rest of their time is breached for sure,
    /// what is kept may not have been.
    public var outcome: Outcome {
        if summary.wasInterrupted { return .unclear }
        let reasons = summary.verdict.reasons
        if reasons.contains(where: { $0.kind == .incomplete && $0.code != .cutOff }) { return .unclear }
        if reasons.contains(where: \.isOfGenerator) { return .generatorLimited }
        if summary.thresholds.contains(where: { $0.state == .breached }) { return .breached }
        if reasons.contains(where: \.isWantOfUsers) { return hasEnoughUsers ? .breached : .bounded }
        if !reasons.isEmpty { return .unclear }
        return summary.thresholds.contains { $0.state == .passed } ? .kept : .unclear
    }

    /// What of the run's verdict the outcome rests on; nil where that is a threshold.
    public var reason: Verdict.Reason? {
        let reasons = summary.verdict.reasons
        return switch outcome {
        case .kept: nil
        case .generatorLimited: reasons.first(where: \.isOfGenerator)
        case .breached where summary.thresholds.contains { $0.state == .breached }: nil
        case .breached, .bounded: reasons.first(where: \.isWantOfUsers)
        case .unclear: reasons.first
        }
    }

    /// Whether the users that were allowed suffice for iterations of ten seconds.
    private var hasEnoughUsers: Bool {
        guard let arrivals = summary.plan.arrivals else { return true }
        let peak = arrivals.stages.map(\.rate.perSecond).max() ?? 0
        return Double(arrivals.maxUsers) >= peak * 10
    }

    /// Hits a second; iterations where there are no hits.
    public var rate: Double {
        let statistics = summary.statistics
        let count = statistics.hitCount > 0 ? statistics.hitCount : statistics.iterations.ended
        return summary.rate(of: count)
    }

    /// Latencies of hits; service times of iterations where there are no hits.
    public var latency: Histogram {
        let statistics = summary.statistics
        if statistics.hitCount == 0 { return statistics.service }
        return statistics.names.values.reduce(into: Histogram()) { $0.merge($1.latency) }
    }

    /// The share of hits that failed, from 0 to 1; of iterations where there are no hits.
    public var errorShare: Double {
        let statistics = summary.statistics
        let (failed, count) =
            statistics.hitCount > 0
            ? (statistics.failedHitCount, statistics.hitCount)
            : (statistics.iterations.failed, statistics.iterations.ended)
        return count == 0 ? 0 : Double(failed) / Double(count)
    }
}

extension Verdict.Reason {
    /// Whether there were too few users for the arrivals: for which the target may be the reason, too.
    fileprivate var isWantOfUsers: Bool { code == .droppedArrivals || code == .userWait }

    /// Whether the generator had enough to do with itself.
    fileprivate var isOfGenerator: Bool { kind == .generatorLimited && !isWantOfUsers }
}

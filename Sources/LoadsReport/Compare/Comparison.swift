import LoadsCore

/// Two runs, figure by figure.
///
/// All intervals hold together with the confidence asked for: with m figures each has the error α/m (Bonferroni), so that
/// a run with a hundred names is not called different for the luck of one of them. They take the values for independent
/// draws: how one run differs from the next of the same thing, hours later, no single pair of runs can say.
public struct Comparison: Sendable {
    /// Names in both runs come with figures; the iterations' where a run is more than one URL.
    public let figures: [Figure]
    /// Names that only one of them has.
    public let onlyBefore: [String]
    /// Names that only the later one has.
    public let onlyAfter: [String]
    /// The parts of the plans that differ: then the plans may be why the figures do.
    public let planDifferences: [String]
    /// How sure all intervals are, together.
    public let confidence: Double
    /// By how much a figure may be worse, as a share; nil where nobody asks for regressions.
    public let tolerance: Double?
    let before: RecordedSummary.Run
    let after: RecordedSummary.Run
    /// What speaks against the numbers of each, if anything does.
    let doubts: (before: String?, after: String?)

    /// The percentiles that are compared.
    public static let percentiles = [0.5, 0.95, 0.99]

    /// - Parameters:
    ///   - confidence: Between 0 and 1, both excluded.
    ///   - tolerance: At least 0; nil asks for no regressions.
    public init(
        _ before: RecordedSummary, _ after: RecordedSummary, confidence: Double = 0.95, tolerance: Double? = nil
    ) {
        var pairs: [(Figure.Subject, Side, Side)] = [(.all, Side(all: before), Side(all: after))]
        let known = Dictionary(before.names.map { ($0.name, $0) }) { first, _ in first }
        // One name is all there is.
        if before.names.count > 1 || after.names.count > 1 {
            for name in after.names {
                guard let own = known[name.name] else { continue }
                pairs.append((.name(name.name), Side(own, before), Side(name, after)))
            }
        }
        let steps = Dictionary((before.steps ?? []).map { ($0.name, $0) }) { first, _ in first }
        for step in after.steps ?? [] {
            guard let own = steps[step.name] else { continue }
            pairs.append((.step(step.name), Side(own), Side(step)))
        }
        pairs.append((.service, Side(before.iterations.service), Side(after.iterations.service)))
        pairs.append((.response, Side(before.iterations.response), Side(after.iterations.response)))
        var comparable: [(Figure.Subject, Figure.Kind, Side, Side)] = []
        for (subject, before, after) in pairs {
            if before.seconds != nil, after.seconds != nil { comparable.append((subject, .rate, before, after)) }
            if before.hits > 0, after.hits > 0 { comparable.append((subject, .errors, before, after)) }
            guard !before.times.isEmpty, !after.times.isEmpty else { continue }
            for fraction in Self.percentiles { comparable.append((subject, .percentile(fraction), before, after)) }
        }
        let alpha = (1 - confidence) / Double(max(1, comparable.count))
        figures = comparable.compactMap { subject, kind, before, after in
            guard let own = before.interval(kind, alpha), let other = after.interval(kind, alpha) else { return nil }
            return Figure(subject, kind, before: own, after: other, tolerance: tolerance)
        }
        let names = Set(after.names.map(\.name))
        onlyBefore = before.names.map(\.name).filter { !names.contains($0) }
        onlyAfter = after.names.map(\.name).filter { known[$0] == nil }
        // Each run draws its seed unless one is given: that it differs says nothing.
        planDifferences = Set(before.plan.keys).union(after.plan.keys).subtracting(["seed"])
            .filter { before.plan[$0] != after.plan[$0] }.sorted()
        self.confidence = confidence
        self.tolerance = tolerance
        self.before = before.run
        doubts = (before.verdict?.doubt, after.verdict?.doubt)
        self.after = after.run
    }

    /// The figures that are certainly worse by more than the tolerance.
    public var regressions: [Figure] { figures.filter(\.regressed) }

    /// One run's part of a pair.
    private struct Side {
        var hits = 0
        var failed = 0
        /// Nil where no rate is compared.
        var seconds: Double?
        var times = Histogram()

        init(all summary: RecordedSummary) {
            (hits, failed, seconds) = (summary.hits.count, summary.hits.failed, summary.measuredSeconds)
            if let latency = summary.latency { times = latency.histogram }
            if hits == 0 { seconds = nil }
        }

        init(_ name: RecordedSummary.Name, _ summary: RecordedSummary) {
            (hits, failed, seconds) = (name.count, name.failed, summary.measuredSeconds)
            if let latency = name.latency { times = latency.histogram }
        }

        init(_ step: RecordedSummary.Step) {
            (hits, failed) = (step.count, step.failed)
            if let duration = step.duration { times = duration.histogram }
        }

        init(_ distribution: RecordedSummary.Distribution?) {
            if let distribution { times = distribution.histogram }
        }

        func interval(_ kind: Figure.Kind, _ alpha: Double) -> Interval? {
            switch kind {
            case .percentile(let fraction): .percentile(fraction, of: times, alpha: alpha)
            case .errors: .share(failed, of: hits, alpha: alpha)
            case .rate: seconds.flatMap { .rate(hits, over: $0, alpha: alpha) }
            }
        }
    }
}

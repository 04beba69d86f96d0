/// How a threshold stands while a run goes on, and how it came out in the end.
public struct ThresholdResult: Sendable, Equatable {
    /// Whether it was kept to, as far as it could be judged.
    public enum State: String, Sendable, CaseIterable {
        /// Everything that was judged keeps to it.
        case passed
        /// What was measured broke it; with a `for`, for that long.
        case breached
        /// There was nothing to judge; ``ThresholdResult/doubt`` says why.
        case unjudged
    }

    /// Why nothing was judged.
    public enum Doubt: String, Sendable, CaseIterable {
        /// Nothing that the run measured bears the name.
        case unknownName = "unknown-name"
        /// Nothing was measured that it could judge.
        case noSamples = "no-samples"
        /// Fewer samples than its `min`.
        case fewSamples = "few-samples"
        /// The run was over before its `after`, or before its first window was full.
        case tooShort = "too-short"
        /// While the run goes on: a number that must be reached, which what is to come may reach yet.
        case notYet = "not-yet"
        /// What bears the name cannot be compared with the limit: a metric without percentiles, or of another unit.
        case otherUnit = "other-unit"
    }

    /// What was judged.
    public var threshold: Threshold
    /// While a run goes on it may change back.
    public var state: State
    /// Nil unless ``state`` is `unjudged`.
    public var doubt: Doubt?
    /// The value that the state rests on, in the unit of the threshold's limit: with windows the latest one while the
    /// run goes on and the worst one in the end. Nil when there is none.
    public var actual: Double?
    /// Samples behind ``actual``.
    public var samples: Int
    /// Where the window of ``actual`` ends, in seconds since the start; nil without windows.
    public var windowEnd: Int?
    /// Windows judged; 0 where there are none.
    public var windows: Int
    /// Those of them that broke the limit.
    public var brokenWindows: Int
    /// Where the window ends with which it was breached, in seconds since the start; nil if it was not, and without
    /// windows.
    public var breachedAt: Int?
    /// An agent had not delivered everything when this was judged: it may change.
    public var provisional: Bool
    /// The run was stopped because of it.
    public var aborted: Bool
    /// Samples that came too late for windows judged more than an hour before.
    public var lateSamples: Int

    /// A threshold that nothing was judged of, unless said.
    public init(
        threshold: Threshold, state: State = .unjudged, doubt: Doubt? = nil, actual: Double? = nil, samples: Int = 0,
        windowEnd: Int? = nil, windows: Int = 0, brokenWindows: Int = 0, breachedAt: Int? = nil,
        provisional: Bool = false, aborted: Bool = false, lateSamples: Int = 0
    ) {
        self.threshold = threshold
        self.state = state
        self.doubt = doubt
        self.actual = actual
        self.samples = samples
        self.windowEnd = windowEnd
        self.windows = windows
        self.brokenWindows = brokenWindows
        self.breachedAt = breachedAt
        self.provisional = provisional
        self.aborted = aborted
        self.lateSamples = lateSamples
    }

    /// What it is called: the threshold as it was written.
    public var expression: String { threshold.expression }

    /// Whether it was kept to; nil when nothing was judged.
    public var passed: Bool? {
        switch state {
        case .passed: true
        case .breached: false
        case .unjudged: nil
        }
    }

    /// The actual value for a person: `213 ms`, `0.4 %`; nil without one.
    public var actualText: String? { actual.map { "\(Quantity($0, threshold.limit.unit))" } }

    /// Why nothing was judged, in words; nil when something was.
    public var doubtText: String? {
        guard let doubt else { return nil }
        let measure = threshold.measure
        return switch doubt {
        case .unknownName: "no \(measure.kindOfName) is named \(measure.name ?? "")"
        case .noSamples: "nothing was measured that it could judge"
        case .fewSamples: "only \(samples) of at least \(threshold.minimum) samples"
        case .tooShort: "the run was too short for it"
        case .notYet: "what it comes to in the end is judged"
        case .otherUnit: "the metric \(measure.name ?? "") cannot be compared with \(threshold.limit)"
        }
    }
}

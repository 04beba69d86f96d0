/// The judgements of a threshold's windows, in order. A pure structure.
struct WindowCourse: Sendable, Equatable {
    /// One judged window, or everything so far.
    struct Judgement: Sendable, Equatable {
        var actual: Double
        var samples: Int
        var end: Int
        var broken: Bool
    }

    /// Where the last window ended that was looked at, in seconds since the start.
    private(set) var end: Int
    private(set) var judged = 0
    private(set) var broken = 0
    /// Where the first of the windows ended that broke it without one between that kept to it.
    private(set) var breakingSince: Int?
    private(set) var breachedAt: Int?
    private(set) var latest: Judgement?
    private(set) var worst: Judgement?

    init(end: Int) { self.end = end }

    /// Takes the next window. One that cannot be judged neither begins a break nor ends it.
    mutating func take(_ judgement: Judgement?, end: Int, _ threshold: Threshold) {
        self.end = end
        guard let judgement else { return }
        judged += 1
        latest = judgement
        if worst.map({ threshold.isWorse(judgement.actual, than: $0.actual) }) ?? true { worst = judgement }
        guard judgement.broken else {
            breakingSince = nil
            return
        }
        broken += 1
        let since = breakingSince ?? end
        breakingSince = since
        if breachedAt == nil, end - since >= threshold.persistence { breachedAt = end }
    }
}

extension Threshold {
    /// Whether a value is farther on the wrong side than another.
    func isWorse(_ value: Double, than other: Double) -> Bool {
        switch comparison {
        case .below, .atMost: value > other
        case .above, .atLeast: value < other
        case .equal: abs(value - limit.value) > abs(other - limit.value)
        }
    }

    /// Judges what was counted over some seconds; nil when there is too little.
    func judgement(_ tally: Tally, seconds: Double, end: Int) -> WindowCourse.Judgement? {
        guard tally.samples >= minimum, let actual = measure.value(tally, over: seconds, in: limit.unit) else {
            return nil
        }
        return WindowCourse.Judgement(
            actual: actual, samples: tally.samples, end: end, broken: !comparison.holds(actual, limit.value))
    }
}

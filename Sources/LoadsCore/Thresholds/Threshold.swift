/// What a run must keep to: `p95(GET /login) < 1s over 10s`. The grammar is in `Docs/Thresholds.md`.
public struct Threshold: Sendable, Equatable {
    /// How the actual value must compare with the limit.
    public enum Comparison: String, Sendable, CaseIterable {
        /// Less than the limit.
        case below = "<"
        /// The limit, or less.
        case atMost = "<="
        /// More than the limit.
        case above = ">"
        /// The limit, or more.
        case atLeast = ">="
        /// Exactly the limit.
        case equal = "=="

        func holds(_ actual: Double, _ limit: Double) -> Bool {
            switch self {
            case .below: actual < limit
            case .atMost: actual <= limit
            case .above: actual > limit
            case .atLeast: actual >= limit
            case .equal: actual == limit
            }
        }
    }

    /// As it was written, without spaces around it: what it is called everywhere.
    public let expression: String
    /// What is looked at.
    public let measure: Measure
    /// How it must compare with ``limit``.
    public let comparison: Comparison
    /// What it is compared with.
    public let limit: Quantity
    /// The length of the windows that are judged each by itself, in whole seconds; nil judges everything together.
    public let window: Int?
    /// How long windows must break it without one that keeps to it, in seconds, before it counts as broken; 0 is at once.
    public let persistence: Int
    /// What is measured before it is not looked at, in seconds since the start.
    public let delay: Int
    /// With fewer samples nothing is judged; 0 judges whatever there is.
    public let minimum: Int
    /// Whether the run is stopped at once when it is broken.
    public let aborts: Bool

    init(
        expression: String, measure: Measure, comparison: Comparison, limit: Quantity, window: Int?, persistence: Int,
        delay: Int, minimum: Int, aborts: Bool
    ) {
        self.expression = expression
        self.measure = measure
        self.comparison = comparison
        self.limit = limit
        self.window = window
        self.persistence = persistence
        self.delay = delay
        self.minimum = minimum
        self.aborts = aborts
    }

    /// Reads an expression.
    ///
    /// - Throws: ``ThresholdSyntaxError``, which points at the character.
    public init(_ expression: String) throws(ThresholdSyntaxError) {
        var parser = try ThresholdParser(expression)
        self = try parser.threshold()
    }

    /// The most thresholds of a run.
    public static let countLimit = 100
    /// The most characters of an expression.
    public static let lengthLimit = 1000
    /// The longest window, in seconds.
    public static let windowLimit = 3600

    /// Whether it is about a number that only grows until the end of the run: not a rate, a share or a time, and not that of a
    /// window.
    var isCount: Bool {
        guard window == nil, limit.unit == .number || limit.unit == .bytes else { return false }
        switch measure.function {
        case .errors, .failures, .dropped, .checks, .hits, .iterations, .count, .bytes, .sum: return true
        case .percentile, .mean, .min, .max, .rate, .last, .share: return false
        }
    }

    /// Whether what a count comes to by the end decides, while the run goes on: one that must be reached, as long as it is not.
    func mayYetBeKept(_ actual: Double) -> Bool {
        guard isCount else { return false }
        switch comparison {
        case .above, .atLeast: return !comparison.holds(actual, limit.value)
        // Counters may count down.
        case .equal: return actual <= limit.value || measure.function == .sum
        case .below, .atMost: return false
        }
    }

    /// Whether it judges failures, so that they need no exit code of their own.
    public var judgesFailures: Bool { measure.function == .errors || measure.function == .checks }
}

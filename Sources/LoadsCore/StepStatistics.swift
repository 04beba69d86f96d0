/// The steps under one name: transactions of several requests, measured from their start to their end.
public struct StepStatistics: Sendable, Equatable {
    /// Steps that have ended.
    public var count = 0
    /// Steps that threw, or in which an expectation or a check failed.
    public var failed = 0
    /// How long they took, in nanoseconds, failed ones included.
    public var duration = Histogram()
    /// No steps.
    public init() {}

    /// Adds the steps of another interval, or of another agent.
    public mutating func merge(_ other: StepStatistics) {
        count += other.count
        failed += other.failed
        duration.merge(other.duration)
    }
}

/// The checks under one name.
public struct CheckCounts: Sendable, Equatable {
    /// Checks that were true.
    public var passed: Int
    /// Checks that were false. They fail the steps around them, not the iteration.
    public var failed: Int
    /// None, unless said.
    public init(passed: Int = 0, failed: Int = 0) {
        self.passed = passed
        self.failed = failed
    }

    /// All that were made.
    public var count: Int { passed + failed }
    /// The share that passed, from 0 to 1; 1 when none was made.
    public var passedShare: Double { count == 0 ? 1 : Double(passed) / Double(count) }

    /// Adds the checks of another interval, or of another agent.
    public mutating func merge(_ other: CheckCounts) {
        passed += other.passed
        failed += other.failed
    }
}

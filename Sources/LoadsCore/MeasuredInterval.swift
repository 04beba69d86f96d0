/// What was measured in a part of a run.
public struct MeasuredInterval: Sendable, Equatable {
    /// What came of the interval; its health is that of the run so far.
    public var statistics: Statistics
    /// The interval, in seconds since the start of the run.
    public var from: Double
    /// Its end, likewise.
    public var to: Double
    /// Wall time of the run's start, in seconds since 1970.
    public var startedAt: Double
    /// All that was measured before the observer was there, in one: when it happened nobody knows any more.
    public var isBacklog: Bool

    /// - Parameters:
    ///   - from: Seconds since the start of the run.
    ///   - to: Likewise.
    ///   - startedAt: Seconds since 1970.
    public init(statistics: Statistics, from: Double, to: Double, startedAt: Double, isBacklog: Bool = false) {
        self.statistics = statistics
        self.from = from
        self.to = to
        self.startedAt = startedAt
        self.isBacklog = isBacklog
    }
}

public import LoadsCore

/// What all agents of a run have measured in each of some seconds.
public struct SecondsPage: Sendable, Equatable {
    /// In their order; those in which nothing was measured are missing.
    public var seconds: [MeasuredSecond]
    /// Several messages make one page when it is large: what they have of the same second merges. The last has `more` false.
    public var more: Bool
    /// - Parameter seconds: In their order.
    public init(_ seconds: [MeasuredSecond], more: Bool = false) {
        self.seconds = seconds
        self.more = more
    }

    /// Adds a further part of the same page.
    public mutating func merge(_ part: SecondsPage) {
        for next in part.seconds {
            if seconds.last?.second == next.second {
                seconds[seconds.count - 1].statistics.merge(next.statistics)
            } else {
                seconds.append(next)
            }
        }
        more = part.more
    }
}

/// What was measured in one second of a run.
public struct MeasuredSecond: Sendable, Equatable {
    /// Seconds from the run's start to its beginning.
    public var second: Int
    /// Merged over all agents; the users are those at its end, as far as it is known.
    public var statistics: Statistics
    /// - Parameter second: Seconds from the run's start to its beginning.
    public init(second: Int, _ statistics: Statistics) {
        self.second = second
        self.statistics = statistics
    }
}

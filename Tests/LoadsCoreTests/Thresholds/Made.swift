import LoadsCore

/// Statistics for tests of thresholds.
enum Made {
    /// Hits under one name with the same latency.
    static func hits(_ count: Int, milliseconds: Double = 10, failed: Int = 0, name: String = "GET /") -> Statistics {
        var statistics = Statistics()
        var group = NameStatistics()
        group.count = count
        group.failed = failed
        group.bytesReceived = count * 1024
        for _ in 0..<count { group.latency.record(Int64(milliseconds * 1e6)) }
        statistics.names[name] = group
        statistics.iterations.started = count
        statistics.iterations.ok = count - failed
        statistics.iterations.failed = failed
        return statistics
    }

    static func judge(_ expressions: String..., last: Int? = nil) throws -> ThresholdJudge {
        ThresholdJudge(try expressions.map { try Threshold($0) }, last: last)
    }
}

extension ThresholdJudge {
    /// A second of a run whose agents deliver everything at once.
    mutating func second(_ second: Int, _ statistics: Statistics) -> [Change] {
        take(statistics, second: second)
        return advance(to: Double(second + 1), delivered: Double(second + 1))
    }
}

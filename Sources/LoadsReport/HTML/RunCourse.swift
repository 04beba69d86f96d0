public import LoadsCore

/// A run over its time, in a bounded number of parts of equal length, for the charts of a report. A pure structure.
///
/// It begins with parts of a second. When there are too many, each two become one: counts are added and histograms merged, so
/// a part's percentiles are those of all that was measured in it.
///
/// What belongs to a warm-up is in it, since the target has had it; a chart marks it.
public struct RunCourse: Sendable {
    /// What was measured in a part.
    struct Part: Sendable {
        /// Failed ones included.
        var hits = 0
        var failedHits = 0
        /// Of all hits.
        var latency = Histogram()
        /// Response times of iterations that had an intended start, service times of the others.
        var times = Histogram()
        var endedIterations = 0
        var failedIterations = 0
        var arrivals = ArrivalCounts()
        /// The most users that were seen at once; nil where nobody said.
        var users: Int?

        mutating func add(_ statistics: Statistics) {
            for name in statistics.names.values {
                hits += name.count
                failedHits += name.failed
                latency.merge(name.latency)
            }
            times.merge(statistics.iterationTimes)
            endedIterations += statistics.iterations.ended
            failedIterations += statistics.iterations.failed
            arrivals.merge(statistics.arrivals)
            if let warmUp = statistics.warmUp { add(warmUp) }
        }

        mutating func merge(_ other: Part) {
            hits += other.hits
            failedHits += other.failedHits
            latency.merge(other.latency)
            times.merge(other.times)
            endedIterations += other.endedIterations
            failedIterations += other.failedIterations
            arrivals.merge(other.arrivals)
            users = [users, other.users].compactMap(\.self).max()
        }
    }

    /// A part and when it was, in seconds since the start.
    struct Point: Sendable {
        var from: Double
        var to: Double
        var part: Part

        var middle: Double { (from + to) / 2 }
        /// How often something happened that happened so many times in it.
        func rate(_ count: Int) -> Double { Double(count) / (to - from) }
    }

    /// Parts at most.
    static let limit = 600

    /// Seconds a part.
    private(set) var width = 1
    private var parts: [Part] = []
    /// Nothing is known of what was before, in seconds since the start.
    private(set) var begin = 0.0
    /// Hits of that time.
    private(set) var earlierHits = 0

    /// Nothing has been measured.
    public init() {}

    /// Adds what was measured in an interval. A backlog has no place in time: it is counted alone.
    public mutating func take(_ interval: MeasuredInterval) {
        guard !interval.isBacklog else {
            begin = interval.to
            earlierHits += interval.statistics.hitCount + (interval.statistics.warmUp?.hitCount ?? 0)
            return
        }
        let second = SecondSeries.second(from: interval.from, to: interval.to)
        while second / width >= Self.limit { halve() }
        let place = second / width
        while parts.count <= place { parts.append(Part()) }
        parts[place].add(interval.statistics)
        parts[place].users = max(parts[place].users ?? 0, interval.statistics.users)
    }

    private mutating func halve() {
        width *= 2
        parts = stride(from: 0, to: parts.count, by: 2).map { index in
            var part = parts[index]
            if index + 1 < parts.count { part.merge(parts[index + 1]) }
            return part
        }
    }

    /// The parts of a run that took so many seconds, in their order; none for one of which nothing is known.
    ///
    /// The last part ends with the run. One that would be shorter than half of the others belongs to the part before it: a rate
    /// over a few milliseconds says nothing.
    func points(duration: Double) -> [Point] {
        guard !parts.isEmpty, duration > 0 else { return [] }
        let width = Double(width)
        var points: [Point] = []
        var users: Int?
        for (index, part) in parts.enumerated() {
            let from = max(Double(index) * width, begin)
            let to = min(Double(index + 1) * width, duration)
            let isShort = to - from < width / 2
            if isShort, !points.isEmpty {
                points[points.count - 1].part.merge(part)
                points[points.count - 1].to = max(points[points.count - 1].to, to)
                continue
            }
            // Before anything is known of it, or a run as short as that.
            guard to > from else { continue }
            users = part.users ?? users
            points.append(Point(from: from, to: to, part: part))
            points[points.count - 1].part.users = users
        }
        return points
    }
}

import LoadsEventLoop

/// When each arrival is due: a pure function t(n), in nanoseconds since the start.
///
/// The rate r(t) is piecewise linear, and arrival n (0, 1, 2 …) is due as soon as N(t) = ∫r reaches n: the first one when
/// there is a rate at all, the next one after a whole arrival's worth of it. In a stage of D nanoseconds with the rates a and
/// b at its ends, x arrivals' worth into it:
///
/// - at a constant rate, t = x / a;
/// - ramping up, t = 2x / (a + √(a² + 2x(b − a)/D)), which is a·t + (b − a)·t²/2D = x solved for t without cancellation;
/// - ramping down, the same from the other end.
///
/// Stages are summed in whole units of 1/7.2·10¹⁸ of an arrival (128 bits), so that nothing is rounded from one stage to the
/// next: 0.1/s over 10 s is one arrival, and 1/m over a year exactly as many as it has minutes.
public struct Schedule: Sendable, Equatable {
    fileprivate struct Segment: Sendable, Equatable {
        /// Nanoseconds since the start, and how many it lasts.
        var start: Int64
        var duration: Int64
        /// Rates at its ends, in millionths an hour.
        var from: Int64
        var to: Int64
        /// What was due before it, in units.
        var before: UInt128
        /// What is due in it, in units.
        var content: UInt128 { UInt128(from + to) * UInt128(duration) }
    }

    /// Units of an arrival: twice 10⁶ (millionths) · 3600 · 10⁹ (nanoseconds an hour); twice, so that the triangle of a ramp
    /// is whole.
    static let unit: UInt128 = 7_200_000_000_000_000_000

    private let segments: [Segment]
    /// All that is due, in units.
    private let content: UInt128
    /// Nanoseconds from the start to the end of the last stage.
    public let length: Int64
    /// How many arrivals there are: ⌈N(end)⌉.
    public let total: Int

    /// - Parameter stages: The rate begins at 0; a stage of no duration is a jump. Negative rates and durations count as 0.
    public init(_ stages: [RateStage]) {
        var segments: [Segment] = []
        var rate: Int64 = 0
        var time: Int64 = 0
        var content: UInt128 = 0
        for stage in stages {
            let target = max(0, min(stage.rate.microPerHour, ArrivalRate.highest.microPerHour))
            let duration = max(0, min(stage.duration.wholeNanoseconds, DurationText.longest.wholeNanoseconds))
            if duration > 0 {
                let segment = Segment(start: time, duration: duration, from: rate, to: target, before: content)
                segments.append(segment)
                content += segment.content
                time = time.addingReportingOverflow(duration).overflow ? .max : time + duration
            }
            rate = target
        }
        self.segments = segments
        self.content = content
        length = time
        total = Int(clamping: (content + (Self.unit - 1)) / Self.unit)
    }

    /// When arrival n is due, in nanoseconds since the start.
    ///
    /// - Returns: nil if there are no more than n arrivals.
    public func time(of n: Int) -> Int64? { n < 0 ? nil : time(reaching: UInt128(n) * Self.unit) }

    /// When N(t) reaches a number that need not be whole: where Poisson arrivals fall.
    public func time(reaching arrivals: Double) -> Int64? {
        guard arrivals >= 0, arrivals < 9e15 else { return nil }
        let whole = arrivals.rounded(.down)
        let rest = (arrivals - whole) * Double(Self.unit)
        return time(reaching: UInt128(whole) * Self.unit + UInt128(rest))
    }

    private func time(reaching position: UInt128) -> Int64? {
        guard position < content else { return nil }
        // The last segment that begins at or before the position; those without content are never it.
        var (low, high) = (0, segments.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if segments[middle].before <= position { low = middle } else { high = middle }
        }
        let segment = segments[low]
        return segment.start + segment.time(reaching: position - segment.before)
    }

    /// How many arrivals are due before a point in time: those with t(n) < t.
    public func count(before time: Int64) -> Int {
        var (low, high) = (0, total)
        while low < high {
            let middle = low + (high - low) / 2
            if let due = self.time(of: middle), due < time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// N(t): arrivals' worth of time until a point in time, with fractions.
    public func arrivals(before time: Int64) -> Double {
        guard let segment = segments.last(where: { $0.start < time }) else { return 0 }
        let part = Double(min(time - segment.start, segment.duration))
        let slope = (Double(segment.to) - Double(segment.from)) / Double(segment.duration)
        let units = (2 * Double(segment.from) + slope * part) * part
        return (Double(segment.before) + units) / Double(Self.unit)
    }

    /// Arrivals a second at a point in time; 0 outside the stages.
    public func rate(at time: Int64) -> Double {
        guard time >= 0, time < length else { return 0 }
        guard let segment = segments.last(where: { $0.start <= time }) else { return 0 }
        let part = Double(time - segment.start) / Double(segment.duration)
        let rate = Double(segment.from) + (Double(segment.to) - Double(segment.from)) * part
        return rate / Double(ArrivalRate.perSecondUnit)
    }
}

extension Schedule.Segment {
    /// Nanoseconds from the segment's start until x units are due, rounded up; x is less than its content.
    fileprivate func time(reaching x: UInt128) -> Int64 {
        if x == 0 { return 0 }
        if from == to {
            let twice = UInt128(2 * from)
            return min(duration, Int64((x + (twice - 1)) / twice))
        }
        let (low, high) = (Double(min(from, to)), Double(max(from, to)))
        // Counted from the end with the lower rate, where the root has nothing to cancel.
        let rest = Double(from < to ? x : content - x)
        let time = rest / (low + (low * low + (high - low) * rest / Double(duration)).squareRoot())
        let whole = Int64(max(0, min(Double(duration), from < to ? time.rounded(.up) : time.rounded(.down))))
        return from < to ? whole : duration - whole
    }
}

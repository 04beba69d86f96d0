import CLinux
import Glibc

/// A point on the process's monotonic clock, in nanoseconds.
///
/// All measuring uses this clock; wall time appears once, as the anchor in the record of a run.
public struct Instant: Sendable, Hashable, Comparable {
    /// Nanoseconds since an arbitrary start (the machine's boot), never going backwards.
    public var nanoseconds: Int64

    /// Creates a point from the nanoseconds of `CLOCK_MONOTONIC`.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The present.
    public static var now: Instant { Instant(nanoseconds: loads_monotonic_nanoseconds()) }

    /// Seconds since 1970-01-01 UTC by the wall clock, which may jump: for records and other machines, not for measuring.
    public static var wallTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The point later than all others.
    public static let distantFuture = Instant(nanoseconds: .max)

    @inlinable public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The nanoseconds from `earlier` to this point.
    @inlinable public func nanoseconds(since earlier: Instant) -> Int64 { nanoseconds &- earlier.nanoseconds }

    /// This point moved by a duration; saturates at the ends of the clock.
    public func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return Instant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }
}

extension Duration {
    /// The duration in whole nanoseconds, saturating at about 292 years.
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in seconds.
    public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

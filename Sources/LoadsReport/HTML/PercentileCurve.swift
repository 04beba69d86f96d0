internal import Glibc
internal import LoadsCore

/// A distribution by its percentiles, as HdrHistogram's tools plot it: the further to the right, the rarer. Pure.
///
/// The axis is logarithmic in what is left above a percentile: 90 %, 99 % and 99.9 % are equally far apart.
struct PercentileCurve {
    /// How far to the right, log₁₀(1 / (1 − p)), and the value there in nanoseconds.
    private(set) var points: [(x: Double, y: Double)] = []
    /// Whether every value has its point: then it stands until the next one.
    let isExact: Bool

    /// Points at most.
    static let limit = 600

    init(_ histogram: Histogram) {
        let count = histogram.count
        isExact = count < UInt64(Self.limit)
        guard count > 0 else { return }
        var buckets: [(seen: UInt64, value: Int64)] = []
        var seen: UInt64 = 0
        histogram.forEachBucket { index, amount in
            seen += amount
            buckets.append((seen, max(histogram.min, min(histogram.max, Histogram.highestValue(of: index)))))
        }
        var place = 0
        for rank in Self.ranks(count) {
            while buckets[place].seen < rank { place += 1 }
            let value = rank == 1 ? histogram.min : rank == count ? histogram.max : buckets[place].value
            // A rank is reached right after the share of those that are below it.
            points.append((Self.place(Double(rank - 1) / Double(count)), Double(value)))
        }
        // The axis of a few values goes further than they do: the largest stands to its end.
        if count < 10 { points.append((1, Double(histogram.max))) }
    }

    /// The ranks that have a point: all of few, and of many so many that are evenly apart on the axis.
    private static func ranks(_ count: UInt64) -> [UInt64] {
        guard count >= UInt64(limit) else { return Array(1...count) }
        let end = log10(Double(count))
        var ranks: [UInt64] = []
        for step in 0..<limit {
            let share = 1 - pow(10, -end * Double(step) / Double(limit - 1))
            let rank = step == limit - 1 ? count : min(count, UInt64(share * Double(count)) + 1)
            if rank > ranks.last ?? 0 { ranks.append(rank) }
        }
        return ranks
    }

    /// Where a share from 0 to below 1 lies on the axis.
    static func place(_ share: Double) -> Double { -log10(1 - share) }
}

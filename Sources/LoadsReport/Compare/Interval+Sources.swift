import Glibc
import LoadsCore

extension Interval {
    /// The interval of a percentile of what a histogram's values were drawn from, by order statistics: between which
    /// ranks the percentile lies is binomial, whatever the distribution.
    ///
    /// A bound is the outer edge of the bucket of its rank, so that the width of buckets never narrows an interval. It is
    /// nil where there are too few values for the confidence.
    ///
    /// Source: H. A. David, H. N. Nagaraja, Order Statistics (3rd edition), section 7.1.
    ///
    /// - Parameters:
    ///   - fraction: Between 0 and 1, both excluded; 0.95 is p95.
    ///   - alpha: The error allowed, both sides together: 0.05 for an interval of 95 %.
    /// - Returns: Nanoseconds; nil for an empty histogram.
    static func percentile(_ fraction: Double, of histogram: Histogram, alpha: Double) -> Interval? {
        guard let estimate = histogram.percentile(fraction) else { return nil }
        let low = lowerRank(histogram.count, fraction, alpha / 2)
        let mirrored = lowerRank(histogram.count, 1 - fraction, alpha / 2)
        let high = mirrored.map { histogram.count + 1 - $0 }
        return Interval(
            Double(estimate), low: low.map { Double(histogram.bounds(ofRank: $0).lowest) },
            high: high.map { Double(histogram.bounds(ofRank: $0).highest) })
    }

    /// The interval of a share: Wilson's score interval. Nil without trials.
    static func share(_ successes: Int, of trials: Int, alpha: Double) -> Interval? {
        guard trials > 0 else { return nil }
        let (n, z) = (Double(trials), NormalDistribution.quantile(1 - alpha / 2))
        let share = Double(successes) / n
        let middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        let reach = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
        return Interval(share, low: max(0, middle - reach), high: min(1, middle + reach))
    }

    /// The interval of a rate: the score interval of a Poisson count. What users wait for is more regular than that, so
    /// the interval of a closed model is wider than it need be. Nil for no time.
    static func rate(_ count: Int, over seconds: Double, alpha: Double) -> Interval? {
        guard seconds > 0 else { return nil }
        let (n, z) = (Double(count), NormalDistribution.quantile(1 - alpha / 2))
        let reach = z * (n + z * z / 4).squareRoot()
        return Interval(
            n / seconds, low: max(0, n + z * z / 2 - reach) / seconds, high: (n + z * z / 2 + reach) / seconds)
    }

    /// The largest rank that is above the percentile with no more than this probability; nil when even the first is.
    ///
    /// That is the largest l with P(X < l) ≤ tail for the number X of values up to the percentile, which is binomial.
    static func lowerRank(_ count: UInt64, _ fraction: Double, _ tail: Double) -> UInt64? {
        let (n, p) = (Double(count), fraction)
        guard n > 0, p > 0, p < 1 else { return nil }
        let deviation = (n * p * (1 - p)).squareRoot()
        // Twelve standard deviations below the mean nothing is left that counts.
        var k = max(0, (n * p - 12 * deviation - 30).rounded(.down))
        var mass = exp(
            lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p))
        var sum = 0.0
        // Here `sum` is P(X < k).
        while k <= n, sum + mass <= tail {
            sum += mass
            mass *= (n - k) / (k + 1) * p / (1 - p)
            k += 1
        }
        return k >= 1 ? UInt64(min(k, n)) : nil
    }
}

extension Histogram {
    /// The lowest and the highest value that the one of this rank, from 1, can have had.
    func bounds(ofRank rank: UInt64) -> (lowest: Int64, highest: Int64) {
        if rank <= 1 { return (min, min) }
        if rank >= count { return (max, max) }
        var seen: UInt64 = 0
        var found: Int?
        forEachBucket { index, amount in
            seen += amount
            if found == nil, seen >= rank { found = index }
        }
        guard let found else { return (max, max) }
        return (Swift.max(min, Self.lowestValue(of: found)), Swift.min(max, Self.highestValue(of: found)))
    }
}

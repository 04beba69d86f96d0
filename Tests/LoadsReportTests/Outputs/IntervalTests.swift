import Foundation
import LoadsCore
import TestSupport
import Testing

@testable import LoadsReport

@Suite struct IntervalTests {
    /// Distributions of latencies whose percentiles are known: in milliseconds, by their inverse distribution function.
    enum Distribution: String, CaseIterable, Sendable {
        case uniform, exponential, lognormal, twoPeaks

        func value(_ share: Double) -> Double {
            switch self {
            case .uniform: return 1 + 99 * share
            case .exponential: return -10 * log(1 - share)
            case .lognormal: return 10 * exp(0.8 * NormalDistribution.quantile(share))
            // Nine of ten are fast, one is fifty times as slow.
            case .twoPeaks: return share < 0.9 ? 1 + share : 50 + 100 * (share - 0.9)
            }
        }
    }

    static func draw(
        _ distribution: Distribution, _ count: Int, times factor: Double = 1, _ random: inout SeededGenerator
    ) -> Histogram {
        var histogram = Histogram()
        // By a table: the inverse of the normal distribution takes a while.
        let table = tables[distribution]!
        for _ in 0..<count {
            let place = Double.random(in: 0..<1, using: &random) * Double(table.count)
            let (index, rest) = (Int(place), place - place.rounded(.down))
            let next = table[min(index + 1, table.count - 1)]
            histogram.record(Int64((table[index] + (next - table[index]) * rest) * factor * 1e6))
        }
        return histogram
    }

    private static let tables: [Distribution: [Double]] = {
        var tables: [Distribution: [Double]] = [:]
        for distribution in Distribution.allCases {
            tables[distribution] = (0..<20_000).map { distribution.value((Double($0) + 0.5) / 20_000) }
        }
        return tables
    }()

    /// The percentile of the table that is drawn from.
    static func truth(_ distribution: Distribution, _ fraction: Double) -> Double {
        let table = tables[distribution]!
        let place = fraction * Double(table.count)
        let index = min(Int(place), table.count - 1)
        let next = table[min(index + 1, table.count - 1)]
        return table[index] + (next - table[index]) * (place - place.rounded(.down))
    }

    @Test func theNormalDistributionsQuantilesAreRight() {
        let known: [(Double, Double)] = [
            (0.5, 0), (0.975, 1.959964), (0.995, 2.575829), (0.025, -1.959964), (0.999999999, 5.997807),
        ]
        for (share, value) in known {
            #expect(abs(NormalDistribution.quantile(share) - value) < 1e-5)
        }
    }

    /// Against the binomial distribution summed up term by term.
    @Test(arguments: [(10, 0.5), (100, 0.95), (100, 0.5), (1000, 0.99), (37, 0.1), (5, 0.99)] as [(UInt64, Double)])
    func theRankIsTheLargestThatTheBinomialDistributionAllows(_ count: UInt64, _ fraction: Double) {
        let n = Double(count)
        var sums: [Double] = [0]
        for k in 0...Int(count) {
            let x = Double(k)
            let ways = lgamma(n + 1) - lgamma(x + 1) - lgamma(n - x + 1)
            sums.append(sums.last! + exp(ways + x * log(fraction) + (n - x) * log1p(-fraction)))
        }
        for tail in [0.025, 0.005, 1e-6] {
            let expected = (1...Int(count)).last { sums[$0] <= tail }
            #expect(Interval.lowerRank(count, fraction, tail) == expected.map(UInt64.init), "\(tail)")
        }
    }

    @Test func aBillionValuesAreNoTrouble() throws {
        let rank = try #require(Interval.lowerRank(1_000_000_000, 0.5, 0.025))
        #expect(abs(Double(rank) - (5e8 - 1.96 * 15_811)) < 100)
    }

    @Test func tooFewValuesHaveNoBounds() throws {
        let hundred = HistogramEncodingTests.histogram((1...100).map { $0 * 1_000_000 })
        let p99 = try #require(Interval.percentile(0.99, of: hundred, alpha: 0.05))
        #expect(p99.low != nil && p99.high == nil, "0.99 to the 100th is far more than 2.5 %")
        #expect(Interval.percentile(0.5, of: Histogram(), alpha: 0.05) == nil)
    }

    /// The interval must hold the truth as often as it says, in samples of distributions whose truth is known; and not
    /// much more often, or it would claim too little.
    @Test(arguments: Distribution.allCases, [0.5, 0.99])
    func theIntervalOfAPercentileHoldsTheTruth(_ distribution: Distribution, _ fraction: Double) throws {
        var random = SeededGenerator(seed: 42)
        let truth = Self.truth(distribution, fraction) * 1e6
        var held = 0
        for _ in 0..<400 {
            let sample = Self.draw(distribution, 500, &random)
            let interval = try #require(Interval.percentile(fraction, of: sample, alpha: 0.05))
            if try #require(interval.low) <= truth, truth <= (try #require(interval.high)) { held += 1 }
        }
        // 380 are wanted; three standard deviations of the count are 13. Ranks are whole: a little more is the rule.
        #expect((367...397).contains(held), "\(held) of 400")
    }

    @Test(arguments: [Distribution.lognormal, .twoPeaks], [0.5, 0.95])
    func theIntervalOfADifferenceHoldsTheTruth(_ distribution: Distribution, _ fraction: Double) throws {
        var random = SeededGenerator(seed: 4711)
        let truth = Self.truth(distribution, fraction) * 0.2e6
        var held = 0
        for _ in 0..<400 {
            let before = Self.draw(distribution, 400, &random)
            let after = Self.draw(distribution, 600, times: 1.2, &random)
            let interval = try #require(Interval.percentile(fraction, of: after, alpha: 0.05)).minus(
                try #require(Interval.percentile(fraction, of: before, alpha: 0.05)))
            if try #require(interval.low) <= truth, truth <= (try #require(interval.high)) { held += 1 }
        }
        #expect((367...398).contains(held), "\(held) of 400")
    }

    @Test func theIntervalsOfSharesAndRatesHoldTheTruth() throws {
        var random = SeededGenerator(seed: 99)
        var (shares, rates) = (0, 0)
        for _ in 0..<1000 {
            let before = (0..<2000).count { _ in Double.random(in: 0..<1, using: &random) < 0.01 }
            let after = (0..<1000).count { _ in Double.random(in: 0..<1, using: &random) < 0.03 }
            let difference = try #require(Interval.share(after, of: 1000, alpha: 0.05)).minus(
                try #require(Interval.share(before, of: 2000, alpha: 0.05)))
            if difference.low! <= 0.02, 0.02 <= difference.high! { shares += 1 }
            // Arrivals of a Poisson process: 40 a second for ten seconds.
            var (time, count) = (0.0, 0)
            while true {
                time -= log(Double.random(in: 1e-12..<1, using: &random)) / 40
                if time > 10 { break }
                count += 1
            }
            let rate = try #require(Interval.rate(count, over: 10, alpha: 0.05))
            if rate.low! <= 40, 40 <= rate.high! { rates += 1 }
        }
        #expect((929...985).contains(shares), "\(shares) of 1000")
        #expect((929...985).contains(rates), "\(rates) of 1000")
    }
}

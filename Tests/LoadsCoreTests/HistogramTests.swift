import TestSupport
import Testing

@testable import LoadsCore

@Suite struct HistogramTests {
    /// The indices of HdrHistogram with a lowest value of 1 and three significant digits: (bucket + 1) · 1024 +
    /// sub-bucket - 1024.
    @Test(arguments: [
        (Int64(0), 0), (1, 1), (1023, 1023), (1024, 1024), (2047, 2047), (2048, 2048), (2049, 2048), (2050, 2049),
        (4095, 3071), (4096, 3072), (4099, 3072), (4100, 3073), (1_000_000, 11_169), (1_000_000_000, 21_363),
        (3_600_000_000_000, 33_420), (.max, 55_295),
    ])
    func putsValuesWhereHdrHistogramDoes(value: Int64, index: Int) {
        #expect(Histogram.index(of: value) == index)
    }

    @Test func bucketsTouchAndAreNarrow() {
        for index in 0..<Histogram.bucketLimit {
            let (low, high) = (Histogram.lowestValue(of: index), Histogram.highestValue(of: index))
            guard Histogram.index(of: low) == index, Histogram.index(of: high) == index,
                index == 0 || Histogram.highestValue(of: index - 1) == low - 1,
                low < 2048 ? low == high : Double(high - low) / Double(low) < 0.001
            else {
                Issue.record("bucket \(index): \(low)...\(high)")
                return
            }
        }
        #expect(Histogram.highestValue(of: Histogram.bucketLimit - 1) == .max)
    }

    @Test(arguments: [1, 2, 3, 10, 99, 100, 1000, 4321])
    func percentilesAreThoseOfTheSortedValues(count: Int) throws {
        var random = SeededGenerator(seed: UInt64(count))
        for exponent in [3.0, 6, 9, 12] {
            let values = (0..<count).map { _ in
                let digits = Int(Double.random(in: 0...1, using: &random) * exponent)
                return randomValue(digits, &random)
            }
            var histogram = Histogram()
            for value in values { histogram.record(value) }
            let sorted = values.sorted()
            for percent in [0, 0.1, 1, 10, 25, 50, 55, 75, 90, 95, 99, 99.9, 99.99, 100] {
                let fraction = percent / 100
                let rank = max(1, min(count, Int((percent * Double(count) / 100 - 1e-9).rounded(.up))))
                let exact = sorted[rank - 1]
                let found = try #require(histogram.percentile(fraction))
                #expect(found >= exact && Double(found - exact) <= Double(exact) * 0.001, "p\(percent) of \(count)")
            }
            #expect(histogram.min == sorted.first && histogram.max == sorted.last)
            #expect(histogram.sum == values.reduce(0, +) && histogram.count == UInt64(count))
        }
    }

    @Test(arguments: [
        (0.55, UInt64(100), UInt64(55)), (0.95, 20, 19), (0.99, 100, 99), (0.999, 1000, 999), (0.07, 100, 7),
        (0.5, 3, 2),
        (0, 10, 1), (-1, 10, 1), (1, 10, 10), (7, 10, 10), (.nan, 10, 1), (0.5, 1, 1), (0.9999, 100, 100),
    ])
    func ranksAreNearest(fraction: Double, count: UInt64, rank: UInt64) {
        #expect(Histogram.rank(fraction, of: count) == rank)
    }

    @Test func mergingIsRecordingInOne() {
        var all = Histogram()
        var merged = Histogram()
        var random = SeededGenerator(seed: 1)
        for _ in 0..<50 {
            var part = Histogram()
            for _ in 0..<Int.random(in: 0...400, using: &random) {
                let digits = Int.random(in: 0...12, using: &random)
                let value = Bool.random(using: &random) ? 0 : randomValue(digits, &random)
                part.record(value)
                all.record(value)
            }
            merged.merge(part)
        }
        #expect(merged == all)
        #expect(merged.count == all.count && merged.sum == all.sum && merged.min == all.min && merged.max == all.max)
    }

    @Test func countsBeyondTheSmallCountersAreExact() {
        var histogram = Histogram()
        var doubled = Histogram()
        for _ in 0..<70_000 { histogram.record(5_000_000) }
        histogram.record(7)
        doubled = histogram
        // 2^20 times as many: past 2^32 in one bucket.
        for _ in 0..<20 {
            let copy = doubled
            doubled.merge(copy)
        }
        var buckets: [Int: UInt64] = [:]
        doubled.forEachBucket { buckets[$0] = $1 }
        #expect(buckets == [7: 1 << 20, Histogram.index(of: 5_000_000): 70_000 << 20])
        #expect(doubled.count == 70_001 << 20)
        #expect(doubled.percentile(0.5) == 5_000_000)
    }

    @Test func takesWhatNoClockShows() {
        var histogram = Histogram()
        histogram.record(-5)
        #expect(histogram.min == 0 && histogram.max == 0 && histogram.sum == 0 && histogram.count == 1)
        histogram.record(.max)
        #expect(histogram.min == 0 && histogram.max == .max && histogram.percentile(1) == .max)
        #expect(histogram.percentile(0.5) == 0)
        histogram.record(.min)
        #expect(histogram.count == 3)
    }

    @Test func emptyHasNoPercentile() {
        let histogram = Histogram()
        #expect(histogram.isEmpty && histogram.percentile(0.5) == nil && histogram.mean == 0)
        #expect(histogram == Histogram(min: 3, max: 4, sum: 5, buckets: [(index: Int, count: UInt64)]()))
    }

    @Test func valuesInDescendingOrderAreKept() {
        var histogram = Histogram()
        for exponent in (0...12).reversed() { histogram.record(powerOfTen(exponent)) }
        var found = 0
        var last = -1
        histogram.forEachBucket { index, count in
            #expect(index > last && count == 1)
            last = index
            found += 1
        }
        #expect(found == 13)
    }

    @Test func isRebuiltFromItsBuckets() {
        var histogram = Histogram()
        var random = SeededGenerator(seed: 2)
        for _ in 0..<1000 {
            let digits = Int.random(in: 0...10, using: &random)
            histogram.record(randomValue(digits, &random))
        }
        for _ in 0..<500 { histogram.record(1234) }
        var buckets: [(index: Int, count: UInt64)] = []
        histogram.forEachBucket { index, count in buckets.append((index: index, count: count)) }
        let rebuilt = Histogram(min: histogram.min, max: histogram.max, sum: histogram.sum, buckets: buckets)
        #expect(rebuilt == histogram && rebuilt.percentile(0.9) == histogram.percentile(0.9))
        var changed = rebuilt
        changed.record(1234)
        #expect(changed != histogram)
    }

    @Test func leavesOutBucketsThatDoNotExist() {
        let buckets: [(index: Int, count: UInt64)] = [(-1, 5), (1, 1), (Histogram.bucketLimit, 5)]
        let histogram = Histogram(min: 1, max: 1, sum: 1, buckets: buckets)
        #expect(histogram.count == 1)
    }

    @Test func zerosTakeNoMemory() {
        var histogram = Histogram()
        for _ in 0..<100_000 { histogram.record(0) }
        #expect(histogram.byteCount == 0 && histogram.count == 100_000 && histogram.percentile(0.99) == 0)
    }

    /// 5,000 names with eight histograms each in 300 MiB leave 7.8 KB for a histogram.
    @Test func aHistogramOfManyValuesIsSmall() {
        var histogram = Histogram()
        // Every bucket over four octaves.
        for index in 10_000..<14_096 { histogram.record(Histogram.lowestValue(of: index)) }
        #expect(histogram.byteCount < 7800)
        let before = histogram.byteCount
        for _ in 0..<20 {
            for index in 10_000..<14_096 { histogram.record(Histogram.lowestValue(of: index)) }
        }
        #expect(histogram.byteCount == before)
    }
}

private func powerOfTen(_ exponent: Int) -> Int64 {
    var power: Int64 = 1
    for _ in 0..<exponent { power *= 10 }
    return power
}

/// From 10 to the power of the exponent up to twice that.
private func randomValue(_ exponent: Int, _ random: inout SeededGenerator) -> Int64 {
    let power = powerOfTen(exponent)
    return power + Int64.random(in: 0..<power, using: &random)
}

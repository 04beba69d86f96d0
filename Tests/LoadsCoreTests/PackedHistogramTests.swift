import LoadsCore
import Testing

@Suite struct PackedHistogramTests {
    private func histogram(_ values: [Int64]) -> Histogram {
        var histogram = Histogram()
        for value in values { histogram.record(value) }
        return histogram
    }

    @Test func bucketsAreDistancesAndCountsInLEB128() {
        #expect(histogram([900, 1_500_000, 1_500_000]).packedBuckets == [0x84, 0x07, 1, 0xb4, 0x54, 2])
        #expect(histogram([0, 0, 1]).packedBuckets == [0, 2, 1, 1])
        #expect(histogram([]).packedBuckets == [])
    }

    @Test(
        arguments: [
            [0], [0, 0, 1, 2047, 2048, 4097], [5_000_000], [.max], [0, .max],
            Array(repeating: 1_000_000, count: 70_000),
            (0..<3000).map { $0 * $0 * 977 },
        ] as [[Int64]])
    func packedBucketsMergeLikeTheHistogram(_ values: [Int64]) {
        let packed = histogram(values)
        var merged = histogram([3, 1_000_000, 80_000_000])
        var expected = merged
        expected.merge(packed)
        packed.packedBuckets.withUnsafeBytes { bytes in
            let count = Histogram.count(ofPacked: bytes, min: packed.min, max: packed.max, limit: 1 << 42)
            #expect(count == packed.count)
            merged.merge(packed: bytes, count: packed.count, min: packed.min, max: packed.max, sum: packed.sum)
        }
        #expect(merged == expected)
    }

    @Test func moreValuesThanAcceptedAreRefused() {
        [UInt8]([1, 100]).withUnsafeBytes { bytes in
            #expect(Histogram.count(ofPacked: bytes, min: 1, max: 1, limit: 100) == 100)
            #expect(Histogram.count(ofPacked: bytes, min: 1, max: 1, limit: 99) == nil)
        }
    }
}

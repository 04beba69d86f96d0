/// Buckets as bytes, as the wire and the store carry them: unsigned LEB128 numbers in pairs, the distance of a bucket's
/// index from the one before (the first from 0) and its count. Most pairs take two or three bytes.
///
/// LEB128: seven bits a byte, the lowest first; the high bit says that more follow.
extension Histogram {
    /// The buckets that hold values, in ascending order; empty for an empty histogram.
    public var packedBuckets: [UInt8] {
        var bytes: [UInt8] = []
        var last = 0
        forEachBucket { index, count in
            Self.append(UInt64(index - last), to: &bytes)
            Self.append(count, to: &bytes)
            last = index
        }
        return bytes
    }

    /// How many values packed buckets hold.
    ///
    /// - Parameter limit: The most values that are accepted.
    /// - Returns: Nil unless the bytes are the buckets of a histogram with these extremes: indices that ascend within the
    ///   layout, counts of at least 1, the first bucket that of `min` and the last that of `max`. What cannot have been
    ///   recorded would show as percentiles outside of the extremes.
    public static func count(
        ofPacked bytes: UnsafeRawBufferPointer, min: Int64, max: Int64, limit: UInt64
    ) -> UInt64? {
        guard min >= 0, min <= max, !bytes.isEmpty else { return nil }
        var reader = PackedBuckets(bytes)
        var total: UInt64 = 0
        var last = -1
        while !reader.isAtEnd {
            guard let step = reader.next(), let amount = reader.next(), step <= UInt64(bucketLimit), amount > 0,
                amount <= limit
            else { return nil }
            let index = Swift.max(last, 0) + Int(step)
            guard index > last, index < bucketLimit else { return nil }
            if last < 0, index != Self.index(of: min) { return nil }
            last = index
            total += amount
            guard total <= limit else { return nil }
        }
        return last == Self.index(of: max) ? total : nil
    }

    /// Adds the values of another histogram without making it.
    ///
    /// - Parameter bytes: Buckets that ``count(ofPacked:min:max:limit:)`` has found right with these extremes.
    public mutating func merge(
        packed bytes: UnsafeRawBufferPointer, count amount: UInt64, min low: Int64, max high: Int64, sum total: Int64
    ) {
        guard amount > 0 else { return }
        var reader = PackedBuckets(bytes)
        var index = 0
        var page = SparseCounters.Page()
        while let step = reader.next(), let amount = reader.next() {
            index += Int(step)
            add(amount, at: index, &page)
        }
        widen(count: amount, min: low, max: high, sum: total)
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var value = value
        while value > 127 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }
}

/// Reads unsigned LEB128 numbers.
private struct PackedBuckets {
    private var place: UnsafePointer<UInt8>?
    private let end: UnsafePointer<UInt8>?

    init(_ bytes: UnsafeRawBufferPointer) {
        place = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        end = place.map { $0 + bytes.count }
    }

    var isAtEnd: Bool { place == end }

    /// The next number; nil at the end, and where there is none that fits into 63 bits.
    @inline(__always) mutating func next() -> UInt64? {
        guard var place, place < end! else { return nil }
        var byte = place.pointee
        place += 1
        if byte < 0x80 {
            self.place = place
            return UInt64(byte)
        }
        var value = UInt64(byte & 0x7f)
        var shift: UInt64 = 7
        repeat {
            guard place < end!, shift < 63 else { return nil }
            byte = place.pointee
            place += 1
            value |= UInt64(byte & 0x7f) << shift
            shift += 7
        } while byte >= 0x80
        self.place = place
        return value
    }
}

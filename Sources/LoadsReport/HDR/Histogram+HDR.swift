public import LoadsCore

/// HdrHistogram's own encoding: V2, compressed with zlib, as Base64. It begins with `HISTFAAA`, and the HdrHistogram
/// libraries of every language read it.
///
/// The buckets of ``LoadsCore/Histogram`` are those of an HdrHistogram from 1 with three significant digits, so no value
/// moves. What the encoding has no place for are the exact minimum, maximum and sum.
///
/// The format: `AbstractHistogram.encodeIntoByteBuffer` of HdrHistogram 2.1 (Gil Tene, public domain).
extension Histogram {
    private static let cookie: UInt32 = 0x1c84_9313
    private static let compressedCookie: UInt32 = 0x1c84_9314
    /// Of an encoding: cookie, length, offset, digits, lowest, highest, ratio.
    private static let headerSize = 40
    /// Nine bytes for each counter that there can be.
    private static let sizeLimit = headerSize + 9 * Histogram.bucketLimit
    /// An hour: what an HdrHistogram of nanoseconds is usually made for.
    private static let usualHighest: Int64 = 3_600_000_000_000

    /// The histogram's buckets in HdrHistogram's encoding.
    public var hdrText: String {
        let payload = Zlib.compress(hdrBytes)
        var bytes: [UInt8] = []
        bytes.appendBigEndian(Self.compressedCookie)
        bytes.appendBigEndian(UInt32(payload.count))
        return Base64.encode(bytes + payload)
    }

    private var hdrBytes: [UInt8] {
        var counters: [UInt8] = []
        var next = 0
        forEachBucket { index, count in
            if index > next { counters.appendZigZag(Int64(next - index)) }
            counters.appendZigZag(Int64(clamping: count))
            next = index + 1
        }
        var bytes: [UInt8] = []
        bytes.appendBigEndian(Self.cookie)
        bytes.appendBigEndian(UInt32(counters.count))
        bytes.appendBigEndian(UInt32(0))
        bytes.appendBigEndian(UInt32(3))
        bytes.appendBigEndian(UInt64(1))
        bytes.appendBigEndian(UInt64(Swift.max(Self.usualHighest, max)))
        bytes.appendBigEndian((1.0).bitPattern)
        return bytes + counters
    }

    /// Reads the encoding of a histogram from 1 with three significant digits, whoever wrote it.
    ///
    /// - Parameters:
    ///   - text: As ``hdrText`` gives it.
    ///   - min: The exact smallest value, nil where only the bucket is known; likewise the largest and the sum.
    /// - Returns: Nil when it is no such encoding, or an exact value lies outside of its bucket.
    public init?(hdrText text: String, min: Int64? = nil, max: Int64? = nil, sum: Int64? = nil) {
        guard let bytes = Base64.decode(text), bytes.count > 8, bytes.bigEndian32(at: 0) == Self.compressedCookie,
            Int(bytes.bigEndian32(at: 4)) == bytes.count - 8,
            let plain = Zlib.decompress(bytes[8...], limit: Self.sizeLimit), plain.count >= Self.headerSize,
            plain.bigEndian32(at: 0) == Self.cookie, Int(plain.bigEndian32(at: 4)) == plain.count - Self.headerSize,
            plain.bigEndian32(at: 8) == 0, plain.bigEndian32(at: 12) == 3, plain.bigEndian64(at: 16) == 1
        else { return nil }
        var buckets: [(index: Int, count: UInt64)] = []
        var (index, place, total): (Int, Int, UInt64) = (0, Self.headerSize, 0)
        var approximateSum = 0.0
        while place < plain.count {
            guard let value = plain.zigZag(at: &place) else { return nil }
            if value < 0 {
                guard value > -Int64(Self.bucketLimit) else { return nil }
                index += Int(-value)
                continue
            }
            guard index < Self.bucketLimit, case (let sum, let overflow) = total.addingReportingOverflow(UInt64(value)),
                !overflow
            else { return nil }
            if value > 0 {
                buckets.append((index, UInt64(value)))
                let middle = (Double(Self.lowestValue(of: index)) + Double(Self.highestValue(of: index))) / 2
                approximateSum += middle * Double(value)
            }
            total = sum
            index += 1
        }
        guard let first = buckets.first, let last = buckets.last else {
            self.init()
            return
        }
        let low = min ?? Self.lowestValue(of: first.index)
        let high = max ?? Self.highestValue(of: last.index)
        guard low >= 0, low <= high, Self.index(of: low) == first.index, Self.index(of: high) == last.index else {
            return nil
        }
        self.init(min: low, max: high, sum: sum ?? Int64(Swift.min(approximateSum, 9e18)), buckets: buckets)
    }
}

extension [UInt8] {
    fileprivate mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    fileprivate func bigEndian32(at place: Int) -> UInt32 {
        self[place..<(place + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }
    fileprivate func bigEndian64(at place: Int) -> UInt64 {
        self[place..<(place + 8)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// ZigZag, then seven bits a byte, the lowest first; a ninth byte has eight.
    fileprivate mutating func appendZigZag(_ value: Int64) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        for _ in 0..<8 where rest > 127 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    fileprivate func zigZag(at place: inout Int) -> Int64? {
        var value: UInt64 = 0
        for position in 0..<9 {
            guard place < count else { return nil }
            let byte = self[place]
            place += 1
            value |= UInt64(position < 8 ? byte & 0x7f : byte) << UInt64(7 * position)
            if byte < 0x80 || position == 8 { break }
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}

/// A high dynamic range histogram of nanoseconds: three significant digits, exact minimum, maximum and sum.
///
/// Bucket layout after Gil Tene's HdrHistogram: values below 2048 are exact; above, each power of two is cut into
/// 1024 equal buckets, so that a bucket's width is below 1/1000 of its values. Storage is sparse: pages of counters
/// appear when a value falls into them. Merging adds counts and loses nothing.
public struct Histogram: Sendable, Equatable {
    /// Values recorded.
    public private(set) var count: UInt64 = 0
    /// The exact smallest value; 0 when empty.
    public private(set) var min: Int64 = 0
    /// The exact largest value; 0 when empty.
    public private(set) var max: Int64 = 0
    /// The exact sum, wrapping only past 292 years.
    public private(set) var sum: Int64 = 0

    /// For each page, one more than its place in `counts`; 0 where no value fell yet.
    private var pages: [UInt16] = []
    private var counts: [UInt32] = []
    /// Multiples of 2^32 of the counters that overflowed.
    private var carries: [Int: UInt64] = [:]

    private static let pageBits = 5
    private static let pageSize = 1 << pageBits

    public init() {}

    /// Rebuilds a histogram from its buckets, as the wire carries it.
    public init(min: Int64, max: Int64, sum: Int64, buckets: some Sequence<(index: Int, count: UInt64)>) {
        self.min = min
        self.max = max
        self.sum = sum
        for (index, amount) in buckets {
            add(amount, at: index)
            count += amount
        }
    }

    public var isEmpty: Bool { count == 0 }
    /// The mean of the exact values, in nanoseconds; 0 when empty.
    public var mean: Double { count == 0 ? 0 : Double(sum) / Double(count) }

    /// Records a value; a negative one counts as 0.
    public mutating func record(_ nanoseconds: Int64) {
        let value = Swift.max(0, nanoseconds)
        if count == 0 {
            min = value
            max = value
        } else {
            if value < min { min = value }
            if value > max { max = value }
        }
        count &+= 1
        sum &+= value
        add(1, at: Self.index(of: value))
    }

    /// Adds another histogram's values.
    public mutating func merge(_ other: Histogram) {
        guard other.count > 0 else { return }
        if count == 0 {
            self = other
            return
        }
        min = Swift.min(min, other.min)
        max = Swift.max(max, other.max)
        count += other.count
        sum &+= other.sum
        other.forEachBucket { index, amount in add(amount, at: index) }
    }

    /// The value at a percentile by nearest rank, ⌈p·n⌉: the highest value of its bucket, at most the maximum.
    ///
    /// - Parameter fraction: From 0 to 1; 0.95 is p95.
    /// - Returns: Nanoseconds, or nil when nothing was recorded.
    public func percentile(_ fraction: Double) -> Int64? {
        guard count > 0 else { return nil }
        let rank = Swift.max(1, Swift.min(count, UInt64((fraction * Double(count)).rounded(.up))))
        if rank == count { return max }
        var seen: UInt64 = 0
        for page in pages.indices where pages[page] != 0 {
            let base = (Int(pages[page]) - 1) << Self.pageBits
            for offset in 0..<Self.pageSize {
                let index = page << Self.pageBits + offset
                seen += UInt64(counts[base + offset]) + carry(index)
                if seen >= rank { return Swift.max(min, Swift.min(max, Self.highestValue(of: index))) }
            }
        }
        return max
    }

    /// Calls a closure for each bucket that holds values, in ascending order.
    public func forEachBucket(_ body: (_ index: Int, _ count: UInt64) -> Void) {
        for page in pages.indices where pages[page] != 0 {
            let base = (Int(pages[page]) - 1) << Self.pageBits
            for offset in 0..<Self.pageSize {
                let index = page << Self.pageBits + offset
                let amount = UInt64(counts[base + offset]) + carry(index)
                if amount > 0 { body(index, amount) }
            }
        }
    }

    /// The bucket of a value.
    @inline(__always) public static func index(of value: Int64) -> Int {
        let shift = Swift.max(0, 53 - (UInt64(value) | 1).leadingZeroBitCount)
        return shift << 10 + Int(value >> Int64(shift))
    }

    /// The lowest value of a bucket.
    public static func lowestValue(of index: Int) -> Int64 {
        if index < 2048 { return Int64(index) }
        let shift = index >> 10 - 1
        return Int64(index - shift << 10) << Int64(shift)
    }

    /// The highest value of a bucket.
    public static func highestValue(of index: Int) -> Int64 {
        if index < 2048 { return Int64(index) }
        let shift = index >> 10 - 1
        return lowestValue(of: index) + (1 << Int64(shift)) - 1
    }

    /// One more than the largest index there is.
    public static let bucketLimit = index(of: .max) + 1

    private mutating func add(_ amount: UInt64, at index: Int) {
        let page = index >> Self.pageBits
        if page >= pages.count { pages.append(contentsOf: repeatElement(0, count: page + 1 - pages.count)) }
        if pages[page] == 0 {
            pages[page] = UInt16(counts.count >> Self.pageBits + 1)
            counts.append(contentsOf: repeatElement(0, count: Self.pageSize))
        }
        let place = (Int(pages[page]) - 1) << Self.pageBits + index & (Self.pageSize - 1)
        let sum = UInt64(counts[place]) + amount
        counts[place] = UInt32(truncatingIfNeeded: sum)
        if sum >> 32 != 0 { carries[index, default: 0] += sum >> 32 }
    }

    private func carry(_ index: Int) -> UInt64 { carries.isEmpty ? 0 : (carries[index] ?? 0) << 32 }

    public static func == (left: Histogram, right: Histogram) -> Bool {
        guard left.count == right.count, left.min == right.min, left.max == right.max, left.sum == right.sum else {
            return false
        }
        var buckets: [Int: UInt64] = [:]
        left.forEachBucket { buckets[$0] = $1 }
        var same = true
        right.forEachBucket { if buckets.removeValue(forKey: $0) != $1 { same = false } }
        return same && buckets.isEmpty
    }
}

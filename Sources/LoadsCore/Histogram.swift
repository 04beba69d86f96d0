/// A high dynamic range histogram of nanoseconds: three significant digits, exact minimum, maximum and sum.
///
/// Bucket layout after Gil Tene's HdrHistogram: values below 2048 are exact; above, each power of two is cut into
/// 1024 equal buckets, so that a bucket's width is below 1/1000 of its values. Storage is sparse, zeros (phases that
/// did not happen) take none. Merging adds counts and loses nothing.
public struct Histogram: Sendable, Equatable {
    /// Values recorded.
    public private(set) var count: UInt64 = 0
    /// The exact smallest value; 0 when empty.
    public private(set) var min: Int64 = 0
    /// The exact largest value; 0 when empty.
    public private(set) var max: Int64 = 0
    /// The exact sum, up to 292 years; more is 292 years.
    public private(set) var sum: Int64 = 0

    private var zeros: UInt64 = 0
    private var counters = SparseCounters()

    /// One more than the last bucket: that of `Int64.max`.
    public static let bucketLimit = index(of: .max) + 1

    /// No values.
    public init() {}

    /// Rebuilds a histogram from its buckets, as the wire carries it. Indices outside the layout are left out.
    public init(min: Int64, max: Int64, sum: Int64, buckets: some Sequence<(index: Int, count: UInt64)>) {
        var page = SparseCounters.Page()
        for (index, amount) in buckets where index >= 0 && index < Self.bucketLimit {
            add(amount, at: index, &page)
            count += amount
        }
        guard count > 0 else { return }
        self.min = min
        self.max = max
        self.sum = sum
    }

    /// Whether no value was recorded; a recorded 0 is one.
    public var isEmpty: Bool { count == 0 }
    /// The mean of the exact values, in nanoseconds; 0 when empty.
    public var mean: Double { count == 0 ? 0 : Double(sum) / Double(count) }
    /// Bytes on the heap.
    public var byteCount: Int { counters.byteCount }

    /// Records a value; a negative one counts as 0.
    public mutating func record(_ nanoseconds: Int64) {
        guard nanoseconds > 0 else {
            min = 0
            count += 1
            zeros += 1
            return
        }
        if count == 0 || nanoseconds < min { min = nanoseconds }
        if nanoseconds > max { max = nanoseconds }
        count += 1
        add(toSum: nanoseconds)
        counters.add(1, at: Self.index(of: nanoseconds))
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
        add(toSum: other.sum)
        zeros += other.zeros
        counters.merge(other.counters)
    }

    /// The value at a percentile by nearest rank, ⌈p·n⌉: the highest value of its bucket, at most the maximum.
    ///
    /// - Parameter fraction: From 0 to 1; 0.95 is p95.
    /// - Returns: Nanoseconds, or nil when nothing was recorded.
    public func percentile(_ fraction: Double) -> Int64? {
        guard count > 0 else { return nil }
        let rank = Self.rank(fraction, of: count)
        if rank == 1 { return min }
        if rank == count { return max }
        if rank <= zeros { return 0 }
        var seen = zeros
        var value = max
        counters.walk { index, amount in
            seen += amount
            if seen < rank { return true }
            value = Swift.max(min, Swift.min(max, Self.highestValue(of: index)))
            return false
        }
        return value
    }

    /// ⌈p·n⌉, from 1 to n.
    static func rank(_ fraction: Double, of count: UInt64) -> UInt64 {
        guard fraction > 0 else { return 1 }
        guard fraction < 1 else { return count }
        let product = fraction * Double(count)
        // 0.55 · 100 comes out as 55.00000000000001: without the correction a whole rank too high.
        return Swift.max(1, Swift.min(count, UInt64((product - 2 * product.ulp).rounded(.up))))
    }

    /// Calls a closure for each bucket that holds values, in ascending order.
    public func forEachBucket(_ body: (_ index: Int, _ count: UInt64) -> Void) {
        if zeros > 0 { body(0, zeros) }
        counters.walk { index, amount in
            body(index, amount)
            return true
        }
    }

    /// The bucket of a value of 0 or more.
    @inline(__always) public static func index(of value: Int64) -> Int {
        let shift = Swift.max(0, 53 - (UInt64(bitPattern: value) | 1).leadingZeroBitCount)
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
        index + 1 >= bucketLimit ? .max : lowestValue(of: index + 1) - 1
    }

    /// Takes the totals of values whose buckets were added one by one.
    mutating func widen(count amount: UInt64, min low: Int64, max high: Int64, sum total: Int64) {
        min = count == 0 ? low : Swift.min(min, low)
        max = Swift.max(max, high)
        count += amount
        add(toSum: total)
    }

    /// A sum that wraps would be refused by whoever reads it.
    @inline(__always) private mutating func add(toSum amount: Int64) {
        let (total, overflows) = sum.addingReportingOverflow(amount)
        sum = overflows ? .max : total
    }

    @inline(__always) mutating func add(_ amount: UInt64, at index: Int, _ page: inout SparseCounters.Page) {
        if index == 0 { zeros += amount } else if amount > 0 { counters.add(amount, at: index, &page) }
    }

    public static func == (left: Histogram, right: Histogram) -> Bool {
        guard left.count == right.count, left.min == right.min, left.max == right.max, left.sum == right.sum,
            left.zeros == right.zeros
        else { return false }
        var buckets: [(Int, UInt64)] = []
        left.counters.walk { index, amount in
            buckets.append((index, amount))
            return true
        }
        var place = 0
        right.counters.walk { index, amount in
            guard place < buckets.count, buckets[place] == (index, amount) else {
                place = -1
                return false
            }
            place += 1
            return true
        }
        return place == buckets.count
    }
}

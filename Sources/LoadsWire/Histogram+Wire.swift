import LoadsCore

extension Packer {
    /// Writes a histogram, or null for an empty one: `[min, max, sum, buckets]`, an array since a batch holds hundreds.
    func histogram(_ histogram: Histogram) {
        if histogram.isEmpty { return null() }
        array(4)
        int(histogram.min)
        int(histogram.max)
        int(histogram.sum)
        binary(histogram.packedBuckets)
    }
}

/// A histogram of a message that was found right, to be merged without being made.
struct PackedHistogram {
    /// 0 for an empty one.
    var count: UInt64 = 0
    var min: Int64 = 0
    var max: Int64 = 0
    var sum: Int64 = 0
    /// Where its buckets are in the message.
    var buckets = 0..<0

    /// An empty one.
    init() {}

    /// - Parameter limit: The most values that are accepted.
    init(_ node: Node, limit: Int) throws(WireError) {
        guard !node.isNull else { return }
        let parts = try node.flat
        guard parts.count == 4 else { throw .field(node.name, "a histogram: [min, max, sum, buckets]") }
        min = Int64(try parts[0].int(in: 0...Int.max))
        max = Int64(try parts[1].int(in: 0...Int.max))
        sum = Int64(try parts[2].int(in: 0...Int.max))
        let bytes = try parts[3].binary()
        guard let count = Histogram.count(ofPacked: bytes, min: min, max: max, limit: UInt64(limit)) else {
            throw .field(node.name, "a histogram: its buckets are malformed, or min and max disagree with them")
        }
        self.count = count
        buckets = node.place(of: bytes)
    }

    @inline(__always) func merge(into histogram: inout Histogram, _ message: UnsafeRawPointer) {
        guard count > 0 else { return }
        histogram.merge(
            packed: UnsafeRawBufferPointer(start: message + buckets.lowerBound, count: buckets.count), count: count,
            min: min, max: max, sum: sum)
    }
}

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

extension Histogram {
    init(_ node: Node) throws(WireError) {
        guard try node.count == 4 else { throw .field(node.name, "a histogram: [min, max, sum, buckets]") }
        let (min, max) = (try node[0].int(in: 0...Int.max), try node[1].int(in: 0...Int.max))
        let sum = try node[2].int(in: 0...Int.max)
        let buckets = try node[3].binary()
        guard
            let count = Self.count(
                ofPacked: buckets, min: Int64(min), max: Int64(max), limit: UInt64(WireLimits.count))
        else { throw .field(node.name, "a histogram: its buckets are malformed, or min and max disagree with them") }
        self.init()
        merge(packed: buckets, count: count, min: Int64(min), max: Int64(max), sum: Int64(sum))
    }
}

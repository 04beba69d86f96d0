import LoadsCore

extension Histogram {
    /// Buckets as pairs (index less the index before, count), so that most of them take two or three bytes.
    func pack(into packer: Packer) {
        var pairs: [UInt64] = []
        var last = 0
        forEachBucket { index, count in
            pairs.append(UInt64(index - last))
            pairs.append(count)
            last = index
        }
        packer.map(4)
        packer.field("min", min)
        packer.field("max", max)
        packer.field("sum", sum)
        packer.string("buckets")
        packer.array(pairs.count)
        for value in pairs { packer.int(value) }
    }

    init(_ node: Node) throws(WireError) {
        let (min, max) = (try node.field("min").int(in: 0...Int.max), try node.field("max").int(in: 0...Int.max))
        let sum = try node.field("sum").int(in: 0...Int.max)
        let pairs = try node.field("buckets")
        let count = try pairs.count
        guard count > 0, count % 2 == 0, count / 2 <= Self.bucketLimit else {
            throw .field("buckets", "pairs of index and count")
        }
        var buckets: [(index: Int, count: UInt64)] = []
        buckets.reserveCapacity(count / 2)
        var index = 0
        var total = 0
        for place in stride(from: 0, to: count, by: 2) {
            let step = try pairs[place].int(in: (place == 0 ? 0 : 1)...Self.bucketLimit)
            index += step
            guard index < Self.bucketLimit else { throw .field("buckets", "indices below \(Self.bucketLimit)") }
            let amount = try pairs[place + 1].int(in: 1...WireLimits.count)
            total += amount
            guard total <= WireLimits.count else { throw .field("buckets", "at most \(WireLimits.count) values") }
            buckets.append((index, UInt64(amount)))
        }
        // What cannot have been recorded would show as percentiles outside of the extremes.
        guard Self.index(of: Int64(min)) == buckets[0].index, Self.index(of: Int64(max)) == index, min <= max else {
            throw .field("buckets", "in agreement with min and max")
        }
        self.init(min: Int64(min), max: Int64(max), sum: Int64(sum), buckets: buckets)
    }
}

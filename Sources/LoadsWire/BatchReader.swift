public import LoadsCore

/// A batch as it came from a runner, found right and not yet unfolded: it merges straight out of its bytes.
///
/// For a master that merges a thousand batches a second, and for an agent that only wants to know what is in one. Nothing
/// is half merged: a batch with an error anywhere makes no reader.
public struct BatchReader: Sendable {
    /// The interval that it covers, in seconds since the start of the run.
    public let from: Double
    /// Its end, in seconds since the start of the run.
    public let to: Double
    /// Raw hits that it carries.
    public let rawHitCount: Int
    private let bytes: [UInt8]
    private let tape: Tape
    private let statistics: StatisticsReader
    private let columns: [(name: String, range: Range<Int>)]

    /// Reads a report of a runner; nil if it is another one than a batch.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init?(report bytes: [UInt8]) throws(WireError) {
        let parts = try bytes.withUnsafeBufferPointer { buffer throws(WireError) -> Parts? in
            let tape = try Tape(buffer)
            return try withExtendedLifetime(tape) { () throws(WireError) -> Parts? in
                let root = Node(root: buffer, tape)
                guard try root.type() == "batch" else { return nil }
                let columns = try root.optional("hits").map { node throws(WireError) in try HitColumns(node) }
                return Parts(
                    tape: tape, interval: try root.interval(from: "from_s", to: "to_s"),
                    statistics: try StatisticsReader(root, limit: WireLimits.count), hitCount: columns?.count ?? 0,
                    columns: columns?.ranges ?? [])
            }
        }
        guard let parts else { return nil }
        self.bytes = bytes
        tape = parts.tape
        (from, to) = (parts.interval.lowerBound, parts.interval.upperBound)
        statistics = parts.statistics
        rawHitCount = parts.hitCount
        columns = parts.columns
    }

    private struct Parts {
        var tape: Tape
        var interval: ClosedRange<Double>
        var statistics: StatisticsReader
        var hitCount: Int
        var columns: [(name: String, range: Range<Int>)]
    }

    /// Iterations that started and ended in it.
    public var iterations: IterationCounts { statistics.rest.iterations }
    /// Iterations and hits with those of the warm-up.
    public var allIterations: IterationCounts { statistics.rest.allIterations }
    /// Hits with those of the warm-up and those that were cancelled with the run.
    public var allHitCount: Int {
        statistics.hitCount + statistics.cancelledHitCount
            + (statistics.rest.warmUp.map { $0.hitCount + $0.cancelledHitCount } ?? 0)
    }
    /// Users that were running at its end.
    public var users: Int { statistics.rest.users }
    /// How its generator was.
    public var health: GeneratorHealth { statistics.rest.health }
    /// Hits and failed hits, whatever their name.
    public var hitCount: Int { statistics.hitCount }
    /// Hits that failed, of all names.
    public var failedHitCount: Int { statistics.failedHitCount }

    /// Adds the batch's statistics to others, as ``LoadsCore/Statistics/merge(_:)`` would.
    public func merge(into statistics: inout Statistics) {
        bytes.withUnsafeBytes { self.statistics.merge(into: &statistics, $0.baseAddress!) }
    }

    /// The raw hits, each as a value.
    public var hits: [RawHit] {
        guard rawHitCount > 0 else { return [] }
        return bytes.withUnsafeBufferPointer { buffer in
            let hits = try? Node(root: buffer, tape).optional("hits").map { node throws(WireError) in
                try HitColumns(node).hits()
            }
            return hits ?? []
        }
    }

    /// Everything, unfolded.
    public var batch: Batch {
        var batch = Batch(hits: hits, from: from, to: to)
        batch.statistics = statistics.rest
        bytes.withUnsafeBytes { statistics.mergeNamed(into: &batch.statistics, $0.baseAddress!) }
        return batch
    }

    /// The stream's message with the raw hits, copied as they are: what ``StreamMessage/encoded()`` makes of the hits, for
    /// a fraction of the cost.
    public func streamMessage(
        run: String, boot: String, sequence: UInt64, time: Double, agent: String, result: StreamMessage.Result? = nil
    ) -> [UInt8] {
        Packer.message("hits") { packer in
            packer.field("run", run)
            packer.field("boot", boot)
            packer.field("seq", sequence)
            packer.field("t", time)
            packer.field("agent", agent)
            if let result { result.pack(into: packer) }
            packer.field("count", rawHitCount)
            packer.field("columns") {
                if columns.isEmpty { return packer.columns([]) }
                bytes.withUnsafeBytes { bytes in
                    for column in columns {
                        packer.key(column.name)
                        packer.raw(UnsafeRawBufferPointer(rebasing: bytes[column.range]))
                    }
                }
            }
        }
    }
}

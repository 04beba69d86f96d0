import LoadsCore
import LoadsWire

/// What did not fit into a full spool: batches merged into one, and a count of what could not be merged.
///
/// Merging loses the resolution in time and the raw hits, which are counted; what was measured stays exact.
struct SpoolOverflow {
    private(set) var batch: Batch?
    private var names = MeasuredNames()
    /// Names that are kept apart: a runner that makes up ever new ones must not fill the memory.
    private let maxNames: Int
    private(set) var loss: ResultMessage.Loss?

    /// - Parameter maxNames: The plan's.
    init(maxNames: Int) { self.maxNames = maxNames }

    var isEmpty: Bool { batch == nil && loss == nil }

    /// - Parameters:
    ///   - head: What the message is.
    ///   - time: Where the run is, for what has no time of its own.
    mutating func add(_ message: [UInt8], _ head: ReportHead, time: Double) {
        if head.kind == .batch, let new = try? BatchReader(report: message) {
            var sum = batch ?? Batch(from: new.from, to: new.to)
            batch = nil
            var added = Statistics()
            new.merge(into: &added)
            names.admit(&added, limit: maxNames)
            if var warmUp = added.warmUp {
                names.admit(&warmUp, limit: maxNames)
                added.warmUp = warmUp
            }
            added.health.droppedHits += new.rawHitCount
            added.health.overflowedNames = max(added.health.overflowedNames, names.overflowed)
            sum.statistics.merge(added)
            sum.from = min(sum.from, new.from)
            sum.to = max(sum.to, new.to)
            batch = sum
            return
        }
        let isBatch = head.kind == .batch
        let (from, to) = isBatch ? (head.from, head.to) : (time, time)
        var sum = loss ?? ResultMessage.Loss(messages: 0, hits: 0, iterations: 0, from: from, to: to)
        sum.messages += 1
        sum.hits += head.counts.hits
        sum.iterations += head.counts.ended
        sum.from = min(sum.from, from)
        sum.to = max(sum.to, to)
        loss = sum
    }

    /// What waits, in the order in which it is to be numbered.
    mutating func take() -> [ResultMessage.Content] {
        defer { self = SpoolOverflow(maxNames: maxNames) }
        var contents: [ResultMessage.Content] = []
        if let batch { contents += RunnerReport.batch(batch).encoded().map { .report($0) } }
        if let loss { contents.append(.lost(loss)) }
        return contents
    }
}

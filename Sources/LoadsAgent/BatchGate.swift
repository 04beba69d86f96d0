import LoadsCore
import LoadsEventLoop
import LoadsWire

/// Lets batches through no more often than the master wants them; what comes too soon is merged.
///
/// Never over the end of a second of the run: batches of two seconds stay two. A pure structure. Where batches may come as often as
/// they do they pass untouched.
struct BatchGate {
    /// A report that may be numbered, and what it is.
    struct Passed: Equatable {
        var report: [UInt8]
        var head: ReportHead
    }

    /// By second of the run.
    private var waiting: [Int: Batch] = [:]
    /// The last second of which anything came.
    private var newest = 0
    private var passed: Instant?

    /// Runners make batches each 100 ms, give or take: only a longer interval holds any back.
    static let untouched = Duration.milliseconds(150)

    /// Takes a report.
    ///
    /// - Returns: What is to be numbered now, in order.
    mutating func take(_ report: [UInt8], _ head: ReportHead, at now: Instant, every interval: Duration) -> [Passed] {
        guard head.kind == .batch, interval > Self.untouched, let passed, now < passed.advanced(by: interval),
            let new = try? BatchReader(report: report)
        else {
            // Nothing overtakes a batch; merged with it, this one is late by nothing.
            if head.kind == .batch { passed = now }
            return flush() + [Passed(report: report, head: head)]
        }
        let batch = new.batch
        // What is behind the end of the second waits for as long again: so it goes on from second to second. What is late for a
        // second hurries nobody.
        var due: [Passed] = []
        if batch.second > newest, waiting[newest] != nil {
            due = flush()
            self.passed = now
        }
        newest = max(newest, batch.second)
        if waiting[batch.second] == nil { waiting[batch.second] = batch } else { waiting[batch.second]!.merge(batch) }
        return due
    }

    /// What has waited long enough.
    mutating func due(at now: Instant, every interval: Duration) -> [Passed] {
        guard !waiting.isEmpty, let passed, now >= passed.advanced(by: interval) else { return [] }
        self.passed = now
        return flush()
    }

    /// What waits.
    mutating func flush() -> [Passed] {
        let batches = waiting.sorted { $0.key < $1.key }.map(\.value)
        waiting.removeAll()
        return batches.flatMap { batch in
            RunnerReport.batch(batch).encoded().compactMap { report in
                (try? ReportHead(reading: report)).map { Passed(report: report, head: $0) }
            }
        }
    }
}

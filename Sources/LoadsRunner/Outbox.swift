import LoadsCore
import LoadsWire

/// What waits for the pipe. A pure structure: bounded, whatever comes, so that a slow agent costs no memory.
///
/// Batches that cannot be sent yet merge into one; raw hits and notes beyond a bound are dropped and counted.
struct Outbox {
    private var reports: [RunnerReport] = []
    private var notes = 0
    private var droppedNotes = 0

    /// Raw hits that may wait.
    static let hitLimit = 100_000
    /// Notes that may wait.
    static let noteLimit = 1_000

    var isEmpty: Bool { reports.isEmpty }

    mutating func append(_ report: RunnerReport) {
        switch report {
        case .batch(let batch): append(batch)
        case .note where notes >= Self.noteLimit: droppedNotes += 1
        case .note:
            notes += 1
            reports.append(report)
        case .hello, .ready, .started, .value, .ended, .refused: reports.append(report)
        }
    }

    /// The next report to send.
    mutating func next() -> RunnerReport? {
        guard !reports.isEmpty else { return nil }
        let report = reports.removeFirst()
        guard case .note = report else { return report }
        notes -= 1
        if notes == 0 && droppedNotes > 0 {
            // At its own place, before anything else: the end must stay the last report.
            reports.insert(
                .note("\(droppedNotes) more notes were dropped: the runner wrote them faster than they are read"), at: 0
            )
            notes = 1
            droppedNotes = 0
        }
        return report
    }

    /// Merges a batch into the one that waits. Notes between them may change places with it; the start and the end,
    /// which no batch crosses, do not.
    private mutating func append(_ batch: Batch) {
        let place = reports.lastIndex { if case .batch = $0 { true } else { false } }
        if let place, case .batch(var waiting) = reports[place] {
            // A stand-in while it changes, so that merging does not copy what waits.
            reports[place] = .ready
            waiting.merge(batch)
            reports[place] = .batch(Self.bounded(waiting))
        } else {
            reports.append(.batch(Self.bounded(batch)))
        }
    }

    private static func bounded(_ batch: Batch) -> Batch {
        let excess = batch.hits.count - hitLimit
        guard excess > 0 else { return batch }
        var batch = batch
        batch.hits.removeLast(excess)
        batch.statistics.health.droppedHits += excess
        return batch
    }
}

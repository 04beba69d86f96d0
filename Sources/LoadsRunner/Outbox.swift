import LoadsCore
import LoadsWire

/// What waits for the pipe. A pure structure: bounded, whatever comes, so that a slow agent costs no memory.
///
/// Batches of one second of the run that cannot be sent yet merge into one, of a great many seconds the last ones; raw hits and notes
/// beyond a bound are dropped and counted.
struct Outbox {
    private var reports: [RunnerReport] = []
    private var batches = 0
    private var hits = 0
    private var notes = 0
    private var droppedNotes = 0

    /// Raw hits that may wait.
    static let hitLimit = 100_000
    /// Batches that may wait.
    static let batchLimit = 60
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
        if case .batch(let batch) = report {
            batches -= 1
            hits -= batch.hits.count
        }
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

    /// Merges a batch into the one of its second that waits. Notes between them may change places with it; the start and the
    /// end, which no batch crosses, do not.
    private mutating func append(_ batch: Batch) {
        let batch = bounded(batch)
        hits += batch.hits.count
        let isFull = batches >= Self.batchLimit
        let place = reports.lastIndex {
            if case .batch(let waiting) = $0 { isFull || waiting.second == batch.second } else { false }
        }
        if let place, case .batch(var waiting) = reports[place] {
            // A stand-in while it changes, so that merging does not copy what waits.
            reports[place] = .ready
            waiting.merge(batch)
            reports[place] = .batch(waiting)
        } else {
            reports.append(.batch(batch))
            batches += 1
        }
    }

    private func bounded(_ batch: Batch) -> Batch {
        let excess = min(batch.hits.count, hits + batch.hits.count - Self.hitLimit)
        guard excess > 0 else { return batch }
        var batch = batch
        batch.hits.removeLast(excess)
        batch.statistics.health.droppedHits += excess
        return batch
    }
}

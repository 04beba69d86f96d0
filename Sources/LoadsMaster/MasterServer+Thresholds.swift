import LoadsCore
import LoadsEventLoop
import LoadsWire

extension MasterServer {
    /// Judges the thresholds of the runs, tells what has changed, and stops a run whose threshold wants it.
    func judgeThresholds(at now: Instant) {
        for run in runs where run.isJudged {
            let elapsed = run.elapsed(at: now)
            run.merged.fold()
            if run.record.state == .stopping { run.merged.judge.loadEnds(at: elapsed) }
            let revision = run.merged.judge.revision
            let changes = run.merged.judge.advance(to: elapsed, delivered: min(elapsed, run.delivered))
            guard run.merged.judge.revision != revision else { continue }
            publish(.stats, of: run, .thresholds(run.merged.judge.results))
            for change in changes {
                run.life.event("threshold", change.text)
                if change.aborts {
                    run.life.stop(abort: true, reason: "the threshold \(change.result.expression) stops the run")
                }
            }
            perform(run)
        }
    }

    /// Judges again what a master before this one had judged.
    ///
    /// - Throws: ``StorageError``.
    func replayThresholds(_ run: ActiveRun) async throws(StorageError) {
        guard run.isJudged else { return }
        run.merged.judge.restore(run.record.thresholds)
        var next = 0
        while let last = try await replay(run, from: next) { next = last + 1 }
    }

    /// - Returns: The last second of a page; nil when there are no more.
    private func replay(_ run: ActiveRun, from second: Int) async throws(StorageError) -> Int? {
        let page = try await storage.seconds(run.id, from: second, limit: 100)
        for (second, statistics) in page { run.merged.judge.take(statistics, second: second) }
        return page.last?.0
    }
}

extension ActiveRun {
    /// Whether there are thresholds to be judged now.
    var isJudged: Bool { !merged.judge.isEmpty && record.start != nil && !record.isOver }

    /// Up to where every agent that still runs has delivered, in seconds since the start.
    var delivered: Double {
        life.members.filter { !$0.isDone }.map { merged.lastData($0.source) }.min() ?? .infinity
    }

    /// How the thresholds stand, or how they came out.
    var thresholds: [ThresholdResult] {
        switch record.state {
        case .refused: []
        // One that was over before it was read from the storage is judged.
        case .ended: merged.judge.isEmpty ? record.thresholds : merged.judge.results(duration: record.duration)
        default: merged.judge.results
        }
    }

    /// What of them must outlive the master: why the run is being stopped, and in the end everything.
    var thresholdsToStore: [ThresholdResult] { record.isOver ? thresholds : merged.judge.results.filter(\.aborted) }
}

extension ThresholdJudge.Change {
    /// For a person: `p95 < 200ms is breached: 312 ms`.
    var text: String {
        let actual = result.actualText.map { ": \($0)" } ?? ""
        let window = result.windowEnd.map { ", in the window that ends at \($0) s" } ?? ""
        let doubt = result.provisional ? ", provisionally: an agent has not delivered everything" : ""
        let what =
            switch result.state {
            case .breached: "is breached"
            case .passed: "is kept again"
            case .unjudged: "cannot be judged any more"
            }
        return "\(result.expression) \(what)\(actual)\(window)\(doubt)"
    }
}

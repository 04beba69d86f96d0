import LoadsCore
import LoadsEventLoop
import LoadsWire

extension MasterServer {
    /// What one commit holds of a run, to be taken back if it fails.
    private struct InFlight {
        let run: ActiveRun
        let changes: MergedRun.Changes
        let sequences: [Intake.Source: UInt64]
        let events: Int
        let hits: [(agent: String, hits: [RawHit])]
        let deferred: [ActiveRun.Deferred]
        let isOver: Bool
    }

    /// Stores what has changed, now or when the commit that is under way is done.
    func flush() {
        guard !isClosed else { return }
        if isCommitting {
            commitAgain = true
            return
        }
        isCommitting = true
        Task {
            await commit()
            isCommitting = false
            if commitAgain, storageFault == nil {
                commitAgain = false
                flush()
            }
        }
    }

    /// One transaction: the seconds and totals that changed, with the last sequence numbers.
    func commit() async {
        let (stored, inFlight) = takeChanges()
        let keys = registry.keys
        guard !stored.isEmpty || keys != storedKeys else { return }
        do throws(StorageError) {
            let dropped = try await storage.commit(stored, keys: keys)
            storedKeys = keys
            committed(inFlight, dropped)
        } catch {
            failed(inFlight, error)
        }
    }

    private func takeChanges() -> ([RunChanges], [InFlight]) {
        var stored: [RunChanges] = []
        var inFlight: [InFlight] = []
        for run in runs {
            let changes = run.merged.takeChanges()
            let sequences = run.intake.taken.filter { $0.value != run.intake.stored[$0.key] }
            guard
                run.isDirty || changes.total != nil || !changes.parts.isEmpty || !sequences.isEmpty
                    || !run.hitsToKeep.isEmpty || !run.deferred.isEmpty
            else { continue }
            let sources = Set(changes.parts.keys).union(sequences.keys)
            let parts = sources.map { source in
                let part = run.merged.parts[source] ?? MergedRun.Part()
                return StoredPart(
                    agent: source.agent, epoch: source.epoch, sequence: run.intake.taken[source] ?? 0,
                    hits: part.hits, lastData: part.lastData, statistics: part.statistics)
            }
            let events = run.log.takeUnstored()
            var record = run.record
            record.events = run.log.count
            record.droppedEvents = run.log.dropped
            record.thresholds = run.thresholdsToStore
            stored.append(
                RunChanges(
                    record: record, total: changes.total, seconds: changes.seconds, parts: parts, events: events,
                    hits: run.hitsToKeep))
            inFlight.append(
                InFlight(
                    run: run, changes: changes, sequences: sequences, events: events.count, hits: run.hitsToKeep,
                    deferred: run.deferred, isOver: record.isOver))
            run.isDirty = false
            run.hitsToKeep = []
            run.deferred = []
        }
        return (stored, inFlight)
    }

    private func committed(_ inFlight: [InFlight], _ dropped: [String: Int]) {
        if storageFault != nil {
            storageFault = nil
            settings.log(.notice, "the storage takes data again")
            for run in runs where !run.record.isOver { run.life.event("note", "the master stores again") }
        }
        for item in inFlight {
            let run = item.run
            run.intake.stored(item.sequences)
            run.waitingHits -= item.hits.reduce(0) { $0 + $1.hits.count }
            if let lost = dropped[run.id], lost > 0, let member = run.life.members.first {
                run.merged.dropped(hits: lost, of: member.source)
                run.life.event("hits-dropped", "\(lost) hits could not be kept: no room on the master's disk")
            }
            for deferred in item.deferred {
                switch deferred {
                case .order(let agent, let order): carryOut(order, for: agent, of: run)
                case .answer(let peer, let answer): self.answer(peer, answer)
                }
            }
        }
        sendAcknowledgements()
        for item in inFlight where item.isOver && !item.run.isSettled {
            publishIntervals(at: .now)
            settle(item.run)
        }
        for run in runs { perform(run) }
    }

    private func failed(_ inFlight: [InFlight], _ error: StorageError) {
        for item in inFlight {
            let run = item.run
            run.merged.restore(item.changes)
            run.log.restore(item.events)
            run.hitsToKeep.insert(contentsOf: item.hits, at: 0)
            run.deferred.insert(contentsOf: item.deferred, at: 0)
            run.isDirty = true
        }
        guard storageFault != error.message else { return }
        storageFault = error.message
        settings.log(.error, "nothing can be stored: \(error.message)")
        for run in runs where !run.record.isOver {
            run.life.event(
                error.code == .disk ? "disk-full" : "note",
                "the master cannot store: \(error.message). The agents keep what they measure until it can")
        }
        // Their events are published, and stored with the rest when that works again.
        for run in runs { perform(run) }
    }
}

import LoadsCore
import LoadsEventLoop
import LoadsTransport
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
        let keys = registry.takeChangedKeys()
        guard !stored.isEmpty || !keys.isEmpty else {
            // Nothing waits: what comes next will find out.
            storageFault = nil
            return
        }
        do throws(StorageError) {
            let dropped = try await storage.commit(stored, keys: keys)
            committed(inFlight, dropped)
        } catch {
            registry.restore(changedKeys: keys)
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
                    agent: source.agent, epoch: source.storedEpoch, sequence: run.intake.taken[source] ?? 0,
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
            run.isStored = true
            run.intake.stored(item.sequences)
            run.waitingHits -= item.hits.reduce(0) { $0 + $1.hits.count }
            if let lost = dropped[run.id], lost > 0, let member = run.life.members.first {
                run.merged.dropped(hits: lost, of: member.source)
                // Four times a second would fill the log; the summary counts them all.
                if !run.losesHits {
                    run.life.event("hits-dropped", "hits cannot be kept: no room on the master's disk")
                }
                run.losesHits = true
            } else if !item.hits.isEmpty {
                run.losesHits = false
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
        if inFlight.contains(where: \.isOver) { releaseFiles() }
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
            turnAway(run, error)
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

    // MARK: Runs that cannot be stored

    /// Why a run cannot be taken; nil when it can.
    func storageProblem(_ submission: RunSubmission) -> WireFault? {
        if submission.keepHits, !storage.keepsHits {
            return WireFault(
                code: "storage",
                message: "this master has no place for hits: start loads-master with --data DIR, or leave out "
                    + "--keep-hits (--stream FILE writes them where you are)")
        }
        return storageFault.map { WireFault(code: "storage", message: Self.cannotStore($0)) }
    }

    static func cannotStore(_ reason: String) -> String { "the master cannot store the run: \(reason)" }

    /// Whoever waits to hear that a run was taken hears that it was not: nothing of it is stored, no agent has heard of it.
    private func turnAway(_ run: ActiveRun, _ error: StorageError) {
        guard !run.isStored else { return }
        let waiting = run.deferred.compactMap { deferred -> (Peer, Int)? in
            if case .answer(let peer, let answer) = deferred { (peer, answer.id) } else { nil }
        }
        guard !waiting.isEmpty else { return }
        for (peer, id) in waiting {
            let fault = WireFault(code: "storage", message: Self.cannotStore(error.message))
            answer(peer, ClientAnswer(id: id, answer: .error(fault)))
        }
        runs.removeAll { $0 === run }
        byID[run.id] = nil
        publisher.forget(run.id)
        settle(run, wakeOnly: true)
        releaseFiles()
        schedule()
    }

    /// Files that no run waits for any more need not come.
    func releaseFiles() {
        files.expectOnly(Set(runs.filter { !$0.record.isOver }.flatMap(\.missingFiles)))
    }
}

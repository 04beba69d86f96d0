import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire

extension MasterServer {
    /// A results message: taken if it is the next of its source, and kept until it is stored.
    func result(_ bytes: [UInt8], _ identity: PeerIdentity) {
        guard !isClosed else { return }
        let message: ResultMessage
        do throws(WireError) {
            message = try ResultMessage(decoding: bytes)
        } catch {
            complain("a result that cannot be read: \(error)")
            return
        }
        guard registry.mayReport(message.agent, identity) else {
            complain(
                "a result in the name of the agent \(message.agent) "
                    + (identity.key.map { "came from the key \($0), which is not its own" }
                        ?? "came from no agent of ours"))
            return
        }
        guard let run = named(message.run) else {
            if let peer = registry[message.agent]?.peer { tell(peer, .error(Self.unknownRun(message.run))) }
            return
        }
        let source = Intake.Source(agent: message.agent, epoch: message.epoch, attempt: run.record.attempt)
        switch run.intake.take(source, message.sequence) {
        case .next: take(message, source, run)
        case .duplicate, .gap: break
        case .stranger:
            if let agent = registry[message.agent], agent.epoch == message.epoch, let peer = agent.peer {
                tell(peer, .error(Self.unknownRun(message.run)))
            }
        }
    }

    private func take(_ message: ResultMessage, _ source: Intake.Source, _ run: ActiveRun) {
        let agent = message.agent
        run.life.nextAdjustment = nextAdjustment(of: run)
        switch message.content {
        case .report(let bytes):
            do throws(WireError) {
                if let batch = try BatchReader(report: bytes) {
                    run.merged.take(batch, from: source)
                    if batch.rawHitCount > 0 { pass(batch, source, message.sequence, run) }
                } else {
                    try take(RunnerReport(decoding: bytes), source, run)
                }
            } catch {
                // Taken all the same: it would come again and again, and everything behind it would wait.
                let last = run.lastData(agent)
                let loss = ResultMessage.Loss(messages: 1, hits: 0, iterations: 0, from: last, to: last)
                run.life.gaveUp(agent, loss, reason: "a message of its runner cannot be read (\(error.message))")
                if let peer = registry[agent]?.peer { tell(peer, .error(Self.fault(error))) }
                complain("a message of the runner of \(agent) cannot be read: \(error)")
            }
        case .ended(let end):
            // Nobody has told it to: it is about to leave.
            if case .finished(interrupted: true, let seconds) = end,
                run.record.state == .preparing || run.record.state == .running,
                run.life.member(agent)?.released == false, !run.life.withoutRunner.contains(agent)
            {
                registry.left(agent, epoch: source.epoch, at: run.record.start?.advanced(by: .seconds(seconds)))
            }
            run.life.ended(
                agent, end, lastData: run.lastData(agent),
                iterations: run.merged.parts[source]?.statistics.iterations.ended ?? 0)
            run.merged.ended(source)
            run.isDirty = true
        case .lost(let loss):
            run.life.gaveUp(agent, loss, reason: "its spool was full")
            run.isDirty = true
        }
        perform(run)
        if run.record.isOver || run.record.state == .queued { schedule() }
    }

    private func take(_ report: RunnerReport, _ source: Intake.Source, _ run: ActiveRun) {
        switch report {
        case .started(let late):
            run.life.started(source.agent, late: late)
            run.isDirty = true
        case .note(let text):
            let name = run.life.members.count > 1 ? run.life.member(source.agent)?.name : nil
            run.life.event("note", (name.map { "\($0): " } ?? "") + text, source.agent)
        case .value(let value):
            run.life.record.value = value
            run.isDirty = true
        case .hello, .ready, .batch, .ended, .refused:
            // A batch is read by its own reader; the others are the agent's business, which tells what they mean.
            break
        }
    }

    /// Raw hits: to the stream as they are, to the observer, to be kept.
    private func pass(_ batch: BatchReader, _ source: Intake.Source, _ result: UInt64, _ run: ActiveRun) {
        if publisher.isWanted(.hits, of: run.id) {
            publish(batch, source, result, run)
        }
        let submission = run.record.submission
        let isObserved = run.observer != nil && submission.order.plan.rawHits
        guard isObserved || submission.keepHits else { return }
        let hits = batch.hits
        if isObserved, run.observer?.received(hits) == false { run.merged.dropped(hits: hits.count, of: source) }
        guard submission.keepHits else { return }
        if run.waitingHits + hits.count > settings.waitingHits {
            run.merged.dropped(hits: hits.count, of: source)
        } else {
            run.waitingHits += hits.count
            run.hitsToKeep.append((source.agent, hits))
        }
    }

    // MARK: The stream

    /// About the longest message of the stream, of which 256 may wait for a subscriber that does not read.
    static let streamMessageBytes = 256 << 10

    /// Publishes hits: as they came, if that makes no message that is too long.
    private func publish(_ batch: BatchReader, _ source: Intake.Source, _ result: UInt64, _ run: ActiveRun) {
        let now = Instant.now
        let time = run.elapsed(at: now)
        let topic = StreamTopic.hits.frame(run: run.id)
        let result = StreamMessage.Result(epoch: source.epoch, sequence: result)
        let sequence = publisher.next(.hits, of: run.id, at: now)
        let whole = batch.streamMessage(
            run: run.id, boot: boot, sequence: sequence, time: time, agent: source.agent, result: result)
        guard whole.count > Self.streamMessageBytes else { return transport.publish(whole, topic: topic) }
        var hits = Batch(from: batch.from, to: batch.to)
        hits.hits = batch.hits
        for (index, part) in hits.parts(budget: Self.streamMessageBytes).enumerated() {
            let message = StreamMessage(
                run: run.id, boot: boot, sequence: index == 0 ? sequence : publisher.next(.hits, of: run.id, at: now),
                time: time, content: .hits(agent: source.agent, part.hits), result: result)
            transport.publish(message.encoded(), topic: topic)
        }
    }

    func subscribed(_ prefix: String, _ wanted: Bool) {
        publisher.subscription(prefix: prefix, wanted: wanted)
        for run in runs where !run.record.isOver { updateWants(run) }
    }

    /// Sees to it that agents send every hit while somebody wants them, and no longer.
    func updateWants(_ run: ActiveRun) {
        run.merged.wantIntervals(publisher.isWanted(.stats, of: run.id), at: run.elapsed(at: .now))
        let submission = run.record.submission
        let wanted =
            submission.order.plan.rawHits || submission.keepHits || publisher.isWanted(.hits, of: run.id)
        guard wanted != run.sendsHits else { return }
        run.sendsHits = wanted
        for member in run.life.members where !member.isDone {
            tell(member, .rawHits(run: run.record.agentRun, wanted: wanted))
        }
    }

    func publish(_ topic: StreamTopic, of run: ActiveRun, _ content: StreamMessage.Content) {
        guard publisher.isWanted(topic, of: run.id) else { return }
        let now = Instant.now
        let message = publisher.message(topic, of: run.id, time: run.elapsed(at: now), at: now, content)
        transport.publish(message.encoded(), topic: topic.frame(run: run.id))
    }

    /// Publishes what came since the last time, beats on idle topics, and tells the observers how far their runs are.
    func publishIntervals(at now: Instant) {
        for run in runs where !run.isSettled {
            publishInterval(of: run, at: now)
            let fresh = run.merged.takeUnseen()
            if let observer = run.observer, run.record.start != nil, !fresh.isEmpty || !run.record.isOver {
                let elapsed = run.elapsed(at: now)
                for (second, statistics) in fresh {
                    run.meter.take(statistics, at: elapsed, of: Double(second + 1))
                    observer.measured(
                        MeasuredInterval(
                            statistics: statistics, from: Double(second), to: Double(second + 1),
                            startedAt: run.record.startedAt ?? run.record.submittedAt))
                }
                run.meter.take(run.record.changes)
                var progress = run.meter.progress(at: elapsed)
                progress.thresholds = run.thresholds
                observer.progressed(progress)
            }
        }
        for run in runs where run.beatsUntil.map({ now < $0 }) ?? !run.record.isOver {
            for topic in publisher.idle(run.id, at: now) { publish(topic, of: run, .beat) }
        }
    }

    func publishInterval(of run: ActiveRun, at now: Instant) {
        for (from, to, statistics) in run.merged.takeIntervals(at: run.elapsed(at: now)) {
            // Very many names make several messages, which merge.
            for part in Batch(statistics: statistics, from: from, to: to).parts(budget: Self.streamMessageBytes) {
                publish(.stats, of: run, .statistics(from: from, to: to, part.statistics))
            }
        }
    }
}

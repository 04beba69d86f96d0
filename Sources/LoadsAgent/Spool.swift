import LoadsCore
import LoadsEventLoop
import LoadsWire

/// Keeps what an agent has to deliver until the master has acknowledged it: in memory, and on disk if there is a store.
///
/// Every message gets the next sequence number of its run, is sent within a window, and sent again when the connection
/// was cut or no acknowledgement comes. Bounded: what does not fit is merged (``SpoolOverflow``) and numbered when
/// there is room. No clock and no socket; the store is the only thing outside.
struct Spool {
    let agent: String
    let epoch: String
    private let limits: SpoolLimits
    /// What may be in flight now.
    private var window: (messages: Int, bytes: Int)
    private let store: SpoolStore?
    private var runs: [String: SpoolRun] = [:]
    /// In which order runs are sent: who has sent goes to the end.
    private var order: [String] = []

    /// Messages and bytes that are not acknowledged.
    private(set) var messages = 0
    private(set) var bytes = 0
    private var memory = 0
    private var inFlight = 0
    private var inFlightBytes = 0
    /// What the user should know, once.
    private(set) var warnings: [String] = []
    private var saidFull = false

    /// - Parameter recovered: What the store has kept of an agent that was killed.
    init(
        agent: String, epoch: String, limits: SpoolLimits, store: SpoolStore? = nil, recovered: [RecoveredRun] = [],
        at now: Instant
    ) {
        self.agent = agent
        self.epoch = epoch
        self.limits = limits
        window = (limits.windowMessages, limits.windowBytes)
        self.store = store
        for found in recovered { take(found, at: now) }
    }

    private mutating func take(_ found: RecoveredRun, at now: Instant) {
        var run = SpoolRun(after: found.first - 1, resend: limits.resend, at: now)
        for place in found.places {
            _ = run.draw()
            run.append(SpoolRun.Entry(bytes: nil, count: place.count, place: place))
            messages += 1
            bytes += place.count
        }
        run.hasEnded = found.hasEnded
        run.counts = found.counts
        if !found.hasEnded { run.recoveredEnd = found.end }
        runs[found.run] = run
        order.append(found.run)
        if run.waiting == 0 { appendRecoveredEnd(found.run) }
    }

    // MARK: Runs

    /// Begins a run. One that is known stays as it is.
    ///
    /// - Parameter maxNames: The plan's.
    mutating func begin(_ run: String, at now: Instant, maxNames: Int = Plan.standardMaxNames) {
        guard runs[run] == nil else { return }
        runs[run] = SpoolRun(after: 0, resend: limits.resend, at: now, maxNames: maxNames)
        order.append(run)
        if let problem = store?.begin(run, epoch: epoch) { warnings.append(problem) }
    }

    /// Drops a run and all that is left of it.
    mutating func forget(_ run: String) {
        guard var gone = runs.removeValue(forKey: run) else { return }
        order.removeAll { $0 == run }
        (inFlight, inFlightBytes) = (inFlight - gone.sent, inFlightBytes - gone.sentBytes)
        gone.rewind()
        for entry in gone.acknowledge(.max, resend: limits.resend, at: Instant(nanoseconds: 0)) { release(entry) }
        store?.remove(run)
    }

    func knows(_ run: String) -> Bool { runs[run] != nil }
    func last(_ run: String) -> UInt64 { runs[run]?.last ?? 0 }
    /// What has been numbered or merged of a run.
    func counts(_ run: String) -> ReportCounts { runs[run]?.counts ?? ReportCounts() }
    /// The runs of which something is held.
    var held: [String] { order }
    var isEmpty: Bool { runs.values.allSatisfy { $0.waiting == 0 && $0.recoveredEnd == nil } }

    // MARK: In

    /// Takes a report of a runner.
    mutating func append(_ run: String, report: [UInt8], _ head: ReportHead) {
        guard runs[run] != nil else { return }
        runs[run]!.counts.add(head.counts)
        if head.kind == .batch { runs[run]!.time = max(runs[run]!.time, head.to) }
        // The start is small, and nothing may come before it.
        if head.kind != .started, !runs[run]!.overflow.isEmpty || !hasRoom(for: report.count) {
            if !saidFull {
                saidFull = true
                warnings.append(
                    "\(bytes) bytes of results wait for the master, as many as are kept: further ones are merged, "
                        + "single hits are dropped and counted")
            }
            runs[run]!.overflow.add(report, head, time: runs[run]!.time)
            return
        }
        append(run, .report(report))
    }

    /// Takes the end of a run: the last of its messages.
    mutating func append(_ run: String, end: RunnerEnd) {
        guard runs[run] != nil, !runs[run]!.hasEnded else { return }
        flushOverflow(run)
        append(run, .ended(end))
        runs[run]!.hasEnded = true
    }

    private mutating func append(_ run: String, _ content: ResultMessage.Content) {
        let sequence = runs[run]!.draw()
        let message = ResultMessage(run: run, agent: agent, epoch: epoch, sequence: sequence, content: content)
        let encoded = message.encoded()
        var entry = SpoolRun.Entry(bytes: encoded, count: encoded.count)
        if let store {
            let (place, problem) = store.append(run, encoded, sequence: sequence, counts: runs[run]!.counts)
            entry.place = place
            if let problem { warnings.append(problem) }
        }
        if entry.place != nil, memory + entry.count > limits.memory {
            entry.bytes = nil
        } else {
            memory += entry.count
        }
        messages += 1
        bytes += entry.count
        runs[run]!.append(entry)
    }

    private func hasRoom(for count: Int) -> Bool {
        store?.isWorking == true ? bytes + count <= limits.disk : memory + count <= limits.memory
    }

    private mutating func flushOverflow(_ run: String) {
        guard runs[run]?.overflow.isEmpty == false else { return }
        for content in runs[run]!.overflow.take() { append(run, content) }
    }

    // MARK: Out

    /// One of many agents sends less often, and less ahead: what waits to be read at a master that is behind comes from
    /// all of them. Seconds of batches in flight stay the same.
    ///
    /// - Parameter interval: Between two batches, as the master wants it.
    mutating func batchesCome(every interval: Duration) {
        let share = min(1, Duration.milliseconds(100) / max(interval, .milliseconds(1)))
        window.messages = min(limits.windowMessages, max(16, Int(Double(limits.windowMessages) * share)))
        window.bytes = min(limits.windowBytes, max(1 << 20, Int(Double(limits.windowBytes) * share)))
    }

    /// The next message to send, if the window lets one through. Call ``markSent(at:)`` once it is gone.
    mutating func next() -> [UInt8]? {
        guard inFlight < window.messages else { return nil }
        for (index, run) in order.enumerated() {
            guard let entry = runs[run]!.next else { continue }
            guard inFlight == 0 || inFlightBytes + entry.count <= window.bytes else { return nil }
            if index > 0 { order.swapAt(0, index) }
            if let bytes = entry.bytes { return bytes }
            if let place = entry.place, let bytes = store?.read(place) { return bytes }
            let lost = ResultMessage.Loss(
                messages: 1, hits: 0, iterations: 0, from: runs[run]!.time, to: runs[run]!.time)
            let message = ResultMessage(
                run: run, agent: agent, epoch: epoch, sequence: runs[run]!.nextSequence, content: .lost(lost)
            ).encoded()
            warnings.append("a message of run \(run) cannot be read back from the spool's files: it is lost")
            runs[run]!.replaceNext(message)
            memory += message.count
            return message
        }
        return nil
    }

    /// What ``next()`` gave has been sent.
    mutating func markSent(at now: Instant) {
        guard let run = order.first, let entry = runs[run]?.next else { return }
        runs[run]!.markSent(at: now)
        inFlight += 1
        inFlightBytes += entry.count
        order.append(order.removeFirst())
    }

    /// Takes back what is in flight: the connection is new.
    mutating func rewind() {
        for run in order { runs[run]!.rewind() }
        (inFlight, inFlightBytes) = (0, 0)
    }

    /// Takes back what has been in flight for too long. Returns whether there was any.
    mutating func takeBackOverdue(at now: Instant) -> Bool {
        var any = false
        for run in order {
            let (sent, sentBytes) = (runs[run]!.sent, runs[run]!.sentBytes)
            guard runs[run]!.isOverdue(at: now) else { continue }
            (inFlight, inFlightBytes) = (inFlight - sent, inFlightBytes - sentBytes)
            any = true
        }
        return any
    }

    /// Forgets what the master has stored.
    ///
    /// - Returns: Whether the run is over and delivered; it is forgotten then.
    mutating func acknowledge(_ run: String, epoch: String, _ sequence: UInt64, at now: Instant) -> Bool {
        guard epoch == self.epoch, runs[run] != nil else { return false }
        let (sent, sentBytes) = (runs[run]!.sent, runs[run]!.sentBytes)
        let isBeyond = sequence > runs[run]!.last
        for entry in runs[run]!.acknowledge(sequence, resend: limits.resend, at: now) { release(entry) }
        inFlight -= sent - runs[run]!.sent
        inFlightBytes -= sentBytes - runs[run]!.sentBytes
        if runs[run]!.waiting == 0, runs[run]!.hasEnded {
            guard isBeyond, runs[run]!.recoveredEnd != nil else {
                forget(run)
                return true
            }
            // What the master has had under the end's number was on its way when the agent was killed, and the disk has not kept
            // it: the end goes behind it.
            runs[run]!.hasEnded = false
        }
        store?.acknowledged(run, runs[run]!.acknowledged, last: runs[run]!.last)
        if runs[run]!.waiting == 0, runs[run]!.recoveredEnd != nil {
            runs[run]!.skip(to: sequence)
            appendRecoveredEnd(run)
        }
        for run in order where !runs[run]!.overflow.isEmpty && hasRoom(for: roomLimit / 4) { flushOverflow(run) }
        if saidFull, hasRoom(for: roomLimit / 2) { saidFull = false }
        return false
    }

    private var roomLimit: Int { store?.isWorking == true ? limits.disk : limits.memory }

    private mutating func appendRecoveredEnd(_ run: String) {
        guard let end = runs[run]?.recoveredEnd else { return }
        append(run, end: end)
    }

    private mutating func release(_ entry: SpoolRun.Entry) {
        messages -= 1
        bytes -= entry.count
        if let held = entry.bytes { memory -= held.count }
    }

    /// What the user should know since the last call.
    mutating func takeWarnings() -> [String] {
        defer { warnings = [] }
        return warnings
    }
}

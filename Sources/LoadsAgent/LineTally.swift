import LoadsCore
import LoadsEventLoop

/// Counts what a program of the `lines` dialect writes. Pure: bytes and the time in, batches and notes out.
///
/// Its memory is bounded: names by the plan, raw hits by the recorder, notes by ``LineLimits/notes``.
struct LineTally {
    private let recorder: Recorder
    /// Counts what the program says belongs to the warm-up.
    private let warmUpRecorder: Recorder
    private var splitter = LineSplitter()
    private var notes: [String] = []
    private var noteCount = 0
    private var garbage = 0
    private var cutter = BatchCutter()
    /// Users at work as the plan has it; what the program says counts more.
    var plannedUsers: Int
    private var toldUsers: Int?
    /// What the program says that it knows, once it has.
    private(set) var knows: [String]?
    /// What the set-up hands over, if it has said so.
    private(set) var value: [UInt8]?
    /// Whether the program was told to end: what it interrupts from then on is not the target's doing.
    var isStopped = false
    /// The end of the last hit or iteration, in seconds since the start; nil before the first.
    private(set) var lastEnd: Double?

    /// - Parameter start: Time 0 of the run, if it is known; what comes before counts as if it came then.
    init(plan: Plan, start: Instant = .distantFuture) {
        self.start = start
        let registry = NameRegistry(limit: plan.maxNames)
        recorder = Recorder(start: start, plan: plan, registry: registry)
        warmUpRecorder = Recorder(start: start, plan: plan, registry: registry)
        plannedUsers = plan.cycles.first?.users ?? 0
    }

    /// Time 0 of the run.
    var start: Instant {
        didSet {
            recorder.start = start
            warmUpRecorder.start = start
        }
    }

    /// Whether batches carry every hit.
    var wantsRawHits: Bool {
        get { recorder.wantsRawHits }
        nonmutating set {
            recorder.wantsRawHits = newValue
            warmUpRecorder.wantsRawHits = newValue
        }
    }

    /// Takes what the program wrote.
    mutating func take(_ bytes: UnsafeRawBufferPointer, now: Instant) {
        var splitter = splitter
        self.splitter = LineSplitter()
        splitter.take(bytes) { count($0, now) }
        self.splitter = splitter
    }

    /// The program has closed its end.
    mutating func finish(now: Instant) {
        var splitter = splitter
        splitter.finish { count($0, now) }
        self.splitter = splitter
        if garbage > 1 { note("\(garbage) records of the runner were no results and were passed over") }
        if noteCount > LineLimits.notes {
            notes.append("\(noteCount - LineLimits.notes) more notes of the runner were dropped")
        }
    }

    /// What was counted since the last call, each second of the run apart.
    mutating func takeBatches(now: Instant, isLast: Bool = false) -> [Batch] {
        var seconds = recorder.takeSeconds()
        seconds.addWarmUp(warmUpRecorder.takeSeconds())
        cutter.take(seconds)
        let time = max(0, now.nanoseconds(since: start))
        var batches = isLast ? cutter.finish(at: time) : cutter.cut(at: time)
        for index in batches.indices { batches[index].statistics.users = toldUsers ?? plannedUsers }
        return batches
    }

    /// The lines for the user since the last call.
    mutating func takeNotes() -> [String] {
        defer { notes = [] }
        return notes
    }

    private func seconds(_ time: Instant) -> Double { max(0, Double(time.nanoseconds(since: start)) / 1e9) }

    private mutating func count(_ record: LineSplitter.Record, _ now: Instant) {
        switch record {
        case .garbage(let reason, let sample): pass(over: sample, reason)
        case .value(let value):
            do throws(LineFault) {
                let isWarmUp = value["warm_up"] == .bool(true)
                count(try LineResult(value), now, isWarmUp ? warmUpRecorder : recorder)
            } catch {
                pass(over: value.json.cut(to: 120), error.reason)
            }
        }
    }

    private mutating func count(_ result: LineResult, _ now: Instant, _ recorder: Recorder) {
        switch result {
        case .hit(let hit): count(hit, now, recorder)
        case .iteration(let iteration): count(iteration, now, recorder)
        case .failure(let failure): count(failure, now, recorder)
        case .arrivals(let arrivals): recorder.record(arrivals.counts, lags: arrivals.lags, now)
        case .knows(let names): knows = names
        case .step(let step): recorder.recordStep(step.name, duration: step.duration, failed: step.failed, now)
        case .check(let check): recorder.recordCheck(check.name, passed: check.passed, now)
        case .metric(let metric):
            recorder.recordMetric(metric.name, metric.kind, unit: metric.unit, metric.value, now)
        case .note(let text): note(text)
        case .value(let json): value = Array(json.utf8)
        case .users(let count): toldUsers = count
        }
    }

    private mutating func count(_ hit: LineHit, _ now: Instant, _ recorder: Recorder) {
        let began =
            hit.time.map { start.advanced(by: .seconds($0)) }
            ?? max(start, now.advanced(by: .nanoseconds(-hit.latency)))
        recorder.record(
            Hit(
                start: began, name: hit.name, method: hit.method, url: hit.url, status: hit.status,
                latency: hit.latency, phases: hit.phases, bytesSent: hit.bytesSent, bytesReceived: hit.bytes,
                requests: hit.requests, error: hit.error, failed: hit.failed),
            user: hit.user, iteration: hit.iteration,
            stopped: isStopped && hit.error?.kind == HitError.cancelled, told: now)
        ended(at: seconds(began.advanced(by: .nanoseconds(hit.latency))))
    }

    private mutating func count(_ iteration: LineIteration, _ now: Instant, _ recorder: Recorder) {
        if let failure = iteration.failure { count(failure, now, recorder) }
        recorder.iterationStarted(now)
        let outcome: IterationOutcome =
            switch iteration.outcome {
            case .ok: .ok
            case .failed: .failed
            case .skipped: .skipped
            case .interrupted: .failed
            }
        recorder.iterationEnded(
            outcome, interrupted: iteration.outcome == .interrupted,
            cutOff: iteration.outcome == .interrupted && !isStopped, service: iteration.service,
            response: iteration.response, now)
        ended(at: seconds(now))
    }

    private func count(_ failure: LineFailure, _ now: Instant, _ recorder: Recorder) {
        recorder.recordFailure(at: failure.place, message: failure.message, now)
    }

    private mutating func ended(at time: Double) { lastEnd = max(lastEnd ?? 0, time) }

    private mutating func pass(over sample: String, _ reason: String) {
        garbage += 1
        if garbage == 1 { note("the runner wrote something that is no result (\(reason)): \(sample)") }
    }

    private mutating func note(_ text: String) {
        noteCount += 1
        if noteCount <= LineLimits.notes { notes.append(text) }
    }
}

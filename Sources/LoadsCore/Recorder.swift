public import LoadsEventLoop

/// Counts what happens on one loop, between two batches. Confined to the loop's thread: no lock, no hop.
///
/// Everything is counted in the second of the run in which it happened, a hit in that in which it ended, also when it is told
/// later: so the seconds of a run, and whoever judges them, are exact.
public final class Recorder {
    /// Time 0 of the run. What comes before counts in the first second.
    public var start: Instant {
        didSet { if start != oldValue { rebase() } }
    }
    /// Whether somebody wants every hit.
    public var wantsRawHits: Bool
    private let registry: NameRegistry
    private let counters: LiveCounters.Slot?
    /// Whether iterations without an intended start are kept apart from the others.
    private let keepsUnscheduled: Bool

    private var names: NamedSlots<NameStatistics>
    private var steps: NamedSlots<StepStatistics>
    private var checks: NamedSlots<CheckCounts>
    private var metrics: NamedSlots<MetricStatistics>
    /// nil where there is one scenario only: what is counted of all is its.
    private var scenarios: NamedSlots<ScenarioStatistics>?

    private var statistics = Statistics()
    private var hits: [RawHit] = []
    private var droppedHits = 0
    /// Iterations started and not ended.
    private(set) var running = 0

    /// The second that is being counted, and where it begins and ends on the clock.
    private var second = 0
    private var begins = Int64.min
    private var ends = Int64.max
    /// Seconds that are over, and who counts what belongs to them and comes late.
    private var over: [Int: Statistics] = [:]
    private var late: [Int: Recorder] = [:]

    /// Raw hits that may wait for the next batch; further ones are counted as dropped.
    public static let rawHitLimit = 200_000
    /// Past seconds that are kept apart between two batches; what belongs to further ones counts in the present one.
    static let lateLimit = 100
    private static let messageLimit = 500
    private static let secondLength: Int64 = 1_000_000_000

    /// - Parameters:
    ///   - start: The start of the run, from which `t` is counted.
    ///   - plan: Whether raw hits are wanted.
    ///   - registry: Which names are kept apart.
    ///   - counters: Where to count so that it outlives the process.
    ///   - slot: The loop's number: its place in the counters.
    ///   - byScenario: Whether the iterations of each scenario are counted apart, too.
    public convenience init(
        start: Instant, plan: Plan, registry: NameRegistry, counters: LiveCounters? = nil, slot: Int = 0,
        byScenario: Bool = false
    ) {
        self.init(
            start: start, registry: registry, counters: counters?.slot(slot), wantsRawHits: plan.rawHits,
            keepsUnscheduled: plan.isOpen && plan.arrivals == nil, byScenario: byScenario)
        rebase()
    }

    private init(
        start: Instant, registry: NameRegistry, counters: LiveCounters.Slot?, wantsRawHits: Bool,
        keepsUnscheduled: Bool, byScenario: Bool
    ) {
        self.start = start
        self.registry = registry
        self.counters = counters
        self.wantsRawHits = wantsRawHits
        self.keepsUnscheduled = keepsUnscheduled
        names = NamedSlots(.hit, registry)
        steps = NamedSlots(.step, registry)
        checks = NamedSlots(.check, registry)
        metrics = NamedSlots(.metric, registry)
        scenarios = byScenario ? NamedSlots(.scenario, registry) : nil
    }

    // MARK: Hits and what tests measure

    /// Counts a hit, in the second in which it ended.
    ///
    /// - Parameters:
    ///   - stopped: Whether the run was stopped and the call cancelled with it: then it is counted apart.
    ///   - told: When somebody told of it whose clock may be wrong: by then it had ended.
    public func record(_ hit: Hit, user: Int, iteration: Int, stopped: Bool = false, told: Instant = .distantFuture) {
        counters?.countHit()
        if wantsRawHits { keep(hit, user, iteration) }
        let end = min(hit.start.nanoseconds &+ hit.latency, told.nanoseconds)
        at(end).count(hit, end, stopped)
    }

    private func count(_ hit: Hit, _ end: Int64, _ stopped: Bool) {
        names.update(names.place(of: hit.name) { NameStatistics() }) {
            if stopped { $0.cancelled += 1 } else { $0.add(hit) }
        }
        if let error = hit.error, !stopped {
            group(&statistics.errors, error.kind, error.message, seconds(end))
        }
    }

    /// Counts a failure of an iteration, grouped by its place.
    public func recordFailure(at place: String, message: @autoclosure () -> String, _ now: Instant) {
        let recorder = at(now.nanoseconds)
        recorder.group(&recorder.statistics.failures, place, message(), seconds(now.nanoseconds))
    }

    /// Counts a step that has ended.
    ///
    /// - Parameters:
    ///   - duration: From its start to its end, in nanoseconds.
    ///   - end: When it ended.
    public func recordStep(_ name: String, duration: Int64, failed: Bool, _ end: Instant = .now) {
        let recorder = at(end.nanoseconds)
        recorder.steps.update(recorder.steps.place(of: name) { StepStatistics() }) { step in
            step.count += 1
            if failed { step.failed += 1 }
            step.duration.record(duration)
        }
    }

    /// Counts a check.
    public func recordCheck(_ name: String, passed: Bool, _ now: Instant = .now) {
        let recorder = at(now.nanoseconds)
        recorder.checks.update(recorder.checks.place(of: name) { CheckCounts() }) { counts in
            if passed { counts.passed += 1 } else { counts.failed += 1 }
        }
    }

    /// Counts a value of a metric; under a name that holds another kind or unit, beside it.
    public func recordMetric(_ name: String, _ kind: MetricKind, unit: String, _ value: Double, _ now: Instant) {
        at(now.nanoseconds).countMetric(name, kind, unit, value, max(0, seconds(now.nanoseconds)))
    }

    private func countMetric(_ name: String, _ kind: MetricKind, _ unit: String, _ value: Double, _ time: Double) {
        var place = place(ofMetric: name, kind, unit)
        if metrics[place].kind != kind || metrics[place].unit != unit {
            place = self.place(ofMetric: MetricStatistics.apart(name, kind, unit), kind, unit)
        }
        metrics.update(place) { $0.record(value, at: time) }
    }

    // MARK: Arrivals and iterations

    /// Counts what belongs to a scenario, too, where these are told apart.
    private func count(of scenario: String?, _ change: (inout ScenarioStatistics) -> Void) {
        guard scenarios != nil, let scenario else { return }
        let place = scenarios!.place(of: scenario) { ScenarioStatistics() }
        scenarios!.update(place, change)
    }

    /// Counts an arrival whose time has come.
    ///
    /// - Parameter scenario: Whose it is, or all of whose; nil if that is not told apart.
    func arrivalPlanned(of scenario: String? = nil, due: Instant) {
        let recorder = at(due.nanoseconds)
        recorder.statistics.arrivals.planned += 1
        recorder.count(of: scenario) { $0.arrivals.planned += 1 }
    }

    /// Counts an arrival that does not become an iteration, in the second in which it was due.
    func arrivalDropped(of scenario: String? = nil, due: Instant) {
        let recorder = at(due.nanoseconds)
        recorder.statistics.arrivals.dropped += 1
        recorder.count(of: scenario) { $0.arrivals.dropped += 1 }
    }

    /// Counts an arrival that the run was stopped before, in the second in which it was due.
    func arrivalCancelled(of scenario: String? = nil, due: Instant) {
        let recorder = at(due.nanoseconds)
        recorder.statistics.arrivals.cancelled += 1
        recorder.count(of: scenario) { $0.arrivals.cancelled += 1 }
    }

    /// Counts an arrival that becomes an iteration.
    ///
    /// - Parameters:
    ///   - lag: How late the generator was with it, in nanoseconds.
    ///   - waited: How long it waited because all users were busy, likewise.
    func arrivalStarted(of scenario: String? = nil, lag: Int64, waited: Int64 = 0, _ now: Instant) {
        let recorder = at(now.nanoseconds)
        recorder.statistics.arrivals.started += 1
        recorder.statistics.scheduleLag.record(lag)
        if waited > 0 { recorder.statistics.userWait.record(waited) }
        recorder.count(of: scenario) { $0.arrivals.started += 1 }
    }

    /// Counts what somebody else has found out about arrivals.
    ///
    /// - Parameters:
    ///   - lags: How late the generator was with those that started, in nanoseconds.
    ///   - now: When it told.
    public func record(_ arrivals: ArrivalCounts, lags: [Int64], _ now: Instant) {
        let recorder = at(now.nanoseconds)
        recorder.statistics.arrivals.merge(arrivals)
        for lag in lags { recorder.statistics.scheduleLag.record(lag) }
    }

    /// Counts the start of an iteration.
    public func iterationStarted(of scenario: String? = nil, _ now: Instant = .now) {
        let recorder = at(now.nanoseconds)
        recorder.statistics.iterations.started += 1
        recorder.count(of: scenario) { $0.iterations.started += 1 }
        running += 1
        counters?.countStart()
    }

    /// Counts the end of an iteration.
    ///
    /// - Parameters:
    ///   - interrupted: Whether it was cancelled.
    ///   - cutOff: Whether that was at the end of the plan's grace, although nobody had stopped the run: then its times count as
    ///     far as they went.
    ///   - service: Nanoseconds from its start; nil if nobody measured it.
    ///   - response: Nanoseconds from its intended start; nil if it had none.
    ///   - scenario: Whose it is.
    ///   - end: When it ended.
    public func iterationEnded(
        _ outcome: IterationOutcome, interrupted: Bool, cutOff: Bool = false, service: Int64?, response: Int64? = nil,
        of scenario: String? = nil, _ end: Instant = .now
    ) {
        counters?.countEnd()
        running -= 1
        let recorder = at(end.nanoseconds)
        recorder.count(outcome, interrupted, cutOff, service, response)
        recorder.count(of: scenario) { own in
            own.iterations.count(outcome, interrupted: interrupted, cutOff: cutOff)
            if interrupted, !cutOff { return }
            if let service { own.service.record(service) }
            if let response { own.response.record(response) }
        }
    }

    private func count(
        _ outcome: IterationOutcome, _ interrupted: Bool, _ cutOff: Bool, _ service: Int64?, _ response: Int64?
    ) {
        statistics.iterations.count(outcome, interrupted: interrupted, cutOff: cutOff)
        if interrupted, !cutOff { return }
        if let service {
            statistics.service.record(service)
            if keepsUnscheduled, response == nil { statistics.unscheduled.record(service) }
        }
        if let response { statistics.response.record(response) }
    }

    // MARK: Seconds and batches

    /// Who counts what happened at a point in time.
    @inline(__always) private func at(_ time: Int64) -> Recorder {
        time < ends && time >= begins ? self : other(time)
    }

    private func other(_ time: Int64) -> Recorder {
        let wanted = Int(max(0, min((time &- start.nanoseconds) / Self.secondLength, Int64(Batch.lastSecond))))
        if wanted > second {
            close()
            second = wanted
            bound()
            return self
        }
        if let recorder = late[wanted] { return recorder }
        guard wanted < second, late.count < Self.lateLimit else { return self }
        let recorder = Recorder(
            start: start, registry: registry, counters: nil, wantsRawHits: false, keepsUnscheduled: keepsUnscheduled,
            byScenario: scenarios != nil)
        late[wanted] = recorder
        return recorder
    }

    private func rebase() {
        second = 0
        bound()
    }

    private func bound() {
        func time(_ second: Int) -> Int64 {
            let (time, overflow) = start.nanoseconds.addingReportingOverflow(Int64(second) * Self.secondLength)
            return overflow ? .max : time
        }
        begins = second == 0 ? .min : time(second)
        ends = second == Batch.lastSecond ? .max : time(second + 1)
    }

    /// What was counted since the last time, all of it of one second.
    private func takeStatistics() -> Statistics {
        var taken = Statistics()
        swap(&taken, &statistics)
        names.take(into: &taken.names)
        steps.take(into: &taken.steps)
        checks.take(into: &taken.checks)
        metrics.take(into: &taken.metrics)
        scenarios?.take(into: &taken.scenarios)
        return taken
    }

    private func close() {
        let taken = takeStatistics()
        guard !Batch(statistics: taken).isEmpty else { return }
        if over[second] == nil { over[second] = taken } else { over[second]!.merge(taken) }
    }

    /// Takes what was counted since the last call, each second of the run apart; none in which nothing was. Raw hits are with
    /// the last.
    public func takeSeconds() -> [Int: Batch] {
        close()
        for (second, recorder) in late {
            recorder.close()
            if let taken = recorder.over[0] { over[second, default: Statistics()].merge(taken) }
        }
        late.removeAll()
        var batches = over.mapValues { Batch(statistics: $0) }
        over.removeAll(keepingCapacity: true)
        if !hits.isEmpty || droppedHits > 0 {
            let last = batches.keys.max() ?? second
            swap(&batches[last, default: Batch()].hits, &hits)
            batches[last]!.statistics.health.droppedHits = droppedHits
            droppedHits = 0
        }
        if let last = batches.keys.max() { batches[last]!.statistics.health.overflowedNames = registry.overflowed }
        return batches
    }

    /// Takes what was counted since the last call.
    public func takeBatch() -> Batch {
        var batch = Batch()
        for (_, taken) in takeSeconds().sorted(by: { $0.key < $1.key }) { batch.merge(taken) }
        batch.statistics.health.overflowedNames = registry.overflowed
        return batch
    }

    private func place(ofMetric name: String, _ kind: MetricKind, _ unit: String) -> Int {
        metrics.place(of: name, other: MetricStatistics.other(kind)) { MetricStatistics(kind: kind, unit: unit) }
    }

    private func keep(_ hit: Hit, _ user: Int, _ iteration: Int) {
        guard hits.count < Self.rawHitLimit else {
            droppedHits += 1
            return
        }
        hits.append(
            RawHit(
                time: seconds(hit.start.nanoseconds), user: user, iteration: iteration, name: hit.name,
                method: hit.method, url: hit.url, status: hit.status, latency: hit.latency,
                bytes: hit.bytesReceived, requests: hit.requests, error: hit.error?.kind))
    }

    private func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds &- start.nanoseconds) / 1e9 }

    private func group(
        _ groups: inout [String: Occurrences], _ key: String, _ message: @autoclosure () -> String, _ time: Double
    ) {
        if groups[key] != nil {
            groups[key]!.count += 1
            groups[key]!.last = max(groups[key]!.last, time)
            return
        }
        let sample = String(message().prefix(Self.messageLimit))
        groups.add(Occurrences(count: 1, first: time, last: time, sample: sample), to: key)
    }
}

extension IterationCounts {
    /// Counts the end of one.
    fileprivate mutating func count(_ outcome: IterationOutcome, interrupted: Bool, cutOff: Bool) {
        if interrupted {
            self.interrupted += 1
            if cutOff { self.cutOff += 1 }
            return
        }
        switch outcome {
        case .ok: ok += 1
        case .failed: failed += 1
        case .skipped: skipped += 1
        }
    }
}

extension NameStatistics {
    /// Counts one hit.
    mutating func add(_ hit: Hit) {
        count += 1
        if hit.failed { failed += 1 }
        requests += hit.requests
        bytesSent += hit.bytesSent
        bytesReceived += hit.bytesReceived
        latency.record(hit.latency)
        for index in 0..<Phases.names.count { phases[index].record(hit.phases[index]) }
        if let code = hit.status { status[code, default: 0] += 1 }
    }
}

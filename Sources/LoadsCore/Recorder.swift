public import LoadsEventLoop

/// Counts what happens on one loop, between two batches. Confined to the loop's thread: no lock, no hop.
public final class Recorder {
    /// Time 0 of the run.
    public var start: Instant
    /// Whether somebody wants every hit.
    public var wantsRawHits: Bool
    private let registry: NameRegistry
    private let counters: LiveCounters.Slot?

    private var names: NamedSlots<NameStatistics>
    private var steps: NamedSlots<StepStatistics>
    private var checks: NamedSlots<CheckCounts>
    private var metrics: NamedSlots<MetricStatistics>
    /// nil where there is one scenario only: what is counted of all is its.
    private var scenarios: NamedSlots<ScenarioStatistics>?

    private var statistics = Statistics()
    private var hits: [RawHit] = []
    /// Iterations started and not ended.
    private(set) var running = 0

    /// Raw hits that may wait for the next batch; further ones are counted as dropped.
    public static let rawHitLimit = 200_000
    private static let messageLimit = 500

    /// - Parameters:
    ///   - start: The start of the run, from which `t` is counted.
    ///   - plan: Whether raw hits are wanted.
    ///   - registry: Which names are kept apart.
    ///   - counters: Where to count so that it outlives the process.
    ///   - slot: The loop's number: its place in the counters.
    ///   - byScenario: Whether the iterations of each scenario are counted apart, too.
    public init(
        start: Instant, plan: Plan, registry: NameRegistry, counters: LiveCounters? = nil, slot: Int = 0,
        byScenario: Bool = false
    ) {
        self.start = start
        self.registry = registry
        names = NamedSlots(.hit, registry)
        steps = NamedSlots(.step, registry)
        checks = NamedSlots(.check, registry)
        metrics = NamedSlots(.metric, registry)
        scenarios = byScenario ? NamedSlots(.scenario, registry) : nil
        self.counters = counters?.slot(slot)
        wantsRawHits = plan.rawHits
    }

    /// Counts a hit.
    public func record(_ hit: Hit, user: Int, iteration: Int) {
        names.update(names.place(of: hit.name) { NameStatistics() }) { $0.add(hit) }
        counters?.countHit()
        if let error = hit.error {
            group(&statistics.errors, error.kind, error.message, seconds(hit.start.nanoseconds &+ hit.latency))
        }
        if wantsRawHits { keep(hit, user, iteration) }
    }

    /// Counts a failure of an iteration, grouped by its place.
    public func recordFailure(at place: String, message: @autoclosure () -> String, _ now: Instant) {
        group(&statistics.failures, place, message(), seconds(now.nanoseconds))
    }

    /// Counts a step that has ended.
    ///
    /// - Parameter duration: From its start to its end, in nanoseconds.
    public func recordStep(_ name: String, duration: Int64, failed: Bool) {
        steps.update(steps.place(of: name) { StepStatistics() }) { step in
            step.count += 1
            if failed { step.failed += 1 }
            step.duration.record(duration)
        }
    }

    /// Counts a check.
    public func recordCheck(_ name: String, passed: Bool) {
        checks.update(checks.place(of: name) { CheckCounts() }) { counts in
            if passed { counts.passed += 1 } else { counts.failed += 1 }
        }
    }

    /// Counts a value of a metric; under a name that holds another kind or unit, beside it.
    public func recordMetric(_ name: String, _ kind: MetricKind, unit: String, _ value: Double, _ now: Instant) {
        var place = place(ofMetric: name, kind, unit)
        if metrics[place].kind != kind || metrics[place].unit != unit {
            place = self.place(ofMetric: MetricStatistics.apart(name, kind, unit), kind, unit)
        }
        let time = max(0, seconds(now.nanoseconds))
        metrics.update(place) { $0.record(value, at: time) }
    }

    /// Counts what belongs to a scenario, too, where these are told apart.
    private func count(of scenario: String?, _ change: (inout ScenarioStatistics) -> Void) {
        guard scenarios != nil, let scenario else { return }
        let place = scenarios!.place(of: scenario) { ScenarioStatistics() }
        scenarios!.update(place, change)
    }

    /// Counts an arrival whose time has come.
    ///
    /// - Parameter scenario: Whose it is, or all of whose; nil if that is not told apart.
    func arrivalPlanned(of scenario: String?) {
        statistics.arrivals.planned += 1
        count(of: scenario) { $0.arrivals.planned += 1 }
    }

    /// Counts an arrival that does not become an iteration.
    func arrivalDropped(of scenario: String?) {
        statistics.arrivals.dropped += 1
        count(of: scenario) { $0.arrivals.dropped += 1 }
    }

    /// Counts an arrival that becomes an iteration.
    ///
    /// - Parameter lag: How late the generator was with it, in nanoseconds.
    func arrivalStarted(of scenario: String?, lag: Int64) {
        statistics.arrivals.started += 1
        statistics.scheduleLag.record(lag)
        count(of: scenario) { $0.arrivals.started += 1 }
    }

    /// Counts the start of an iteration.
    public func iterationStarted(of scenario: String? = nil) {
        count(of: scenario) { $0.iterations.started += 1 }
        statistics.iterations.started += 1
        running += 1
        counters?.countStart()
    }

    /// Counts the end of an iteration.
    ///
    /// - Parameters:
    ///   - service: Nanoseconds from its start; nil if nobody measured it.
    ///   - response: Nanoseconds from its intended start; nil if it had none.
    ///   - scenario: Whose it is.
    public func iterationEnded(
        _ outcome: IterationOutcome, interrupted: Bool, service: Int64?, response: Int64? = nil,
        of scenario: String? = nil
    ) {
        counters?.countEnd()
        running -= 1
        count(of: scenario) { own in
            own.iterations.count(outcome, interrupted: interrupted)
            if interrupted { return }
            if let service { own.service.record(service) }
            if let response { own.response.record(response) }
        }
        statistics.iterations.count(outcome, interrupted: interrupted)
        if interrupted { return }
        if let service { statistics.service.record(service) }
        if let response { statistics.response.record(response) }
    }

    /// Takes what was counted since the last call.
    public func takeBatch() -> Batch {
        var batch = Batch()
        swap(&batch.statistics, &statistics)
        swap(&batch.hits, &hits)
        names.take(into: &batch.statistics.names)
        steps.take(into: &batch.statistics.steps)
        checks.take(into: &batch.statistics.checks)
        metrics.take(into: &batch.statistics.metrics)
        scenarios?.take(into: &batch.statistics.scenarios)
        batch.statistics.health.overflowedNames = registry.overflowed
        return batch
    }

    private func place(ofMetric name: String, _ kind: MetricKind, _ unit: String) -> Int {
        metrics.place(of: name, other: MetricStatistics.other(kind)) { MetricStatistics(kind: kind, unit: unit) }
    }

    private func keep(_ hit: Hit, _ user: Int, _ iteration: Int) {
        guard hits.count < Self.rawHitLimit else {
            statistics.health.droppedHits += 1
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
    fileprivate mutating func count(_ outcome: IterationOutcome, interrupted: Bool) {
        if interrupted {
            self.interrupted += 1
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

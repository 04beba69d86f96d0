public import LoadsEventLoop

/// Iterations by how they ended. `started` less all others are still running.
public struct IterationCounts: Sendable, Equatable {
    /// All that began, those that still run included.
    public var started = 0
    /// Ended without a failure.
    public var ok = 0
    /// Ended with a failure, or by an error.
    public var failed = 0
    /// Ended by a skip: neither good nor bad.
    public var skipped = 0
    /// Cancelled at the end of the grace, or by an abort.
    public var interrupted = 0
    /// Those of them that were cut off at the end of the plan's grace, although nobody had stopped the run: the target, or the
    /// test, took too long. Their times count as far as they went.
    public var cutOff = 0
    /// None has started.
    public init() {}

    /// Iterations that have ended, in whatever way.
    public var ended: Int { ok + failed + skipped + interrupted }
    /// Iterations that have come to an end of their own.
    public var completed: Int { ok + failed + skipped }

    /// Adds the counts of another interval, or of another agent.
    public mutating func merge(_ other: IterationCounts) {
        started += other.started
        ok += other.ok
        failed += other.failed
        skipped += other.skipped
        interrupted += other.interrupted
        cutOff += other.cutOff
    }
}

/// Arrivals of an open model. `planned` less all others still wait for a user; at the end of a run none does.
public struct ArrivalCounts: Sendable, Equatable {
    /// Arrivals whose intended start has come.
    public var planned = 0
    /// Those that became an iteration.
    public var started = 0
    /// Those that did not: no user was free and the queue was full, or the plan and its grace ended before one was.
    public var dropped = 0
    /// Those that did not because somebody, a threshold or a test had stopped the run before: they say nothing of the generator,
    /// nor of the target.
    public var cancelled = 0
    /// None, unless said.
    public init(planned: Int = 0, started: Int = 0, dropped: Int = 0, cancelled: Int = 0) {
        self.planned = planned
        self.started = started
        self.dropped = dropped
        self.cancelled = cancelled
    }

    /// Those that a share is of: all that were planned but those that a stop came before.
    public var judged: Int { planned - cancelled }

    /// Adds the counts of another interval, or of another agent.
    public mutating func merge(_ other: ArrivalCounts) {
        planned += other.planned
        started += other.started
        dropped += other.dropped
        cancelled += other.cancelled
    }
}

/// The hits under one name.
public struct NameStatistics: Sendable, Equatable {
    /// Hits, failed ones included.
    public var count = 0
    /// Calls that Loads cancelled because somebody, or a threshold, had stopped the run: in no other figure here, since they say
    /// nothing of the target.
    public var cancelled = 0
    /// Those of them with ``Hit/failed``.
    public var failed = 0
    /// Exchanges that the hits took, redirects and authentication rounds included.
    public var requests = 0
    /// On the wire, headers included.
    public var bytesSent = 0
    /// Likewise; bodies before decompression.
    public var bytesReceived = 0
    /// Of all hits, failed ones included, in nanoseconds.
    public var latency = Histogram()
    /// One histogram for each of ``Phases/names``, in that order.
    public var phases = [Histogram](repeating: Histogram(), count: Phases.names.count)
    /// Responses by status.
    public var status: [Int: Int] = [:]
    /// No hits.
    public init() {}

    /// Adds the hits of another interval, or of another agent.
    public mutating func merge(_ other: NameStatistics) {
        count += other.count
        cancelled += other.cancelled
        failed += other.failed
        requests += other.requests
        bytesSent += other.bytesSent
        bytesReceived += other.bytesReceived
        latency.merge(other.latency)
        for index in phases.indices { phases[index].merge(other.phases[index]) }
        status.merge(other.status, uniquingKeysWith: +)
    }
}

/// Errors of one kind, or failures at one place: how many, when, and one of them as a sample.
public struct Occurrences: Sendable, Equatable {
    /// At least 1.
    public var count: Int
    /// When the first one was, in seconds from the start of the run.
    public var first: Double
    /// When the last one was, likewise.
    public var last: Double
    /// The message of the first one seen.
    public var sample: String
    /// - Parameters: Times in seconds from the start of the run.
    public init(count: Int, first: Double, last: Double, sample: String) {
        self.count = count
        self.first = first
        self.last = last
        self.sample = sample
    }

    /// Adds more of the same group. The sample is that of the earlier one.
    public mutating func merge(_ other: Occurrences) {
        count += other.count
        if other.first < first {
            first = other.first
            sample = other.sample
        }
        last = max(last, other.last)
    }
}

extension [String: Occurrences] {
    /// Groups kept apart; the occurrences of further ones go to ``Statistics/otherName``.
    static let limit = 200

    mutating func add(_ occurrences: Occurrences, to key: String) {
        if self[key] != nil {
            self[key]!.merge(occurrences)
        } else if count < Self.limit || key == Statistics.otherName {
            self[key] = occurrences
        } else {
            add(occurrences, to: Statistics.otherName)
        }
    }
}

extension Dictionary where Key == String {
    /// The name under which something is counted: its own if it is known or there is room for it.
    fileprivate func key(
        of name: String, _ limit: Int, _ excess: inout Int, other: @autoclosure () -> String = Statistics.otherName
    ) -> String {
        if count < limit || self[name] != nil { return name }
        excess += 1
        return other()
    }
}

/// What a generator says of itself.
public struct GeneratorHealth: Sendable, Equatable {
    /// CPU seconds (user and system) of the runner since the start of the run.
    public var cpuSeconds: Double = 0
    /// How late the loops' timers fired, and how long single pieces of work held a loop.
    public var lag = LoopLag()
    /// The most memory resident so far, in bytes.
    public var peakResidentBytes = 0
    /// Raw hits that could not be passed on.
    public var droppedHits = 0
    /// Expectations that failed outside any iteration's context (detached tasks, queues).
    public var orphanFailures = 0
    /// Names that did not fit into ``Plan/maxNames``.
    public var overflowedNames = 0
    /// Nothing is said yet.
    public init() {}

    /// Merges another interval of the same runner: totals so far are taken at their largest, the rest adds up.
    public mutating func merge(_ other: GeneratorHealth) {
        cpuSeconds = max(cpuSeconds, other.cpuSeconds)
        lag.merge(other.lag)
        peakResidentBytes = max(peakResidentBytes, other.peakResidentBytes)
        droppedHits += other.droppedHits
        orphanFailures += other.orphanFailures
        overflowedNames = max(overflowedNames, other.overflowedNames)
    }
}

/// What was measured in an interval, or over a whole run: everything merges by adding.
public struct Statistics: Sendable, Equatable {
    /// Iterations by how they ended.
    public var iterations = IterationCounts()
    /// Service times of iterations, from their actual start to their end, in nanoseconds. Those that were cut off at the end of
    /// the grace are among them with the time until then, here and in ``response``: it would have been longer.
    public var service = Histogram()
    /// Arrivals of open models; all 0 in a closed one.
    public var arrivals = ArrivalCounts()
    /// Response times of iterations in open models, from their intended start to their end, in nanoseconds. Empty in closed
    /// ones.
    public var response = Histogram()
    /// In a mix of open and closed models: those of the ``service`` times that belong to iterations without an intended start.
    /// Empty elsewhere.
    public var unscheduled = Histogram()
    /// How long arrivals waited because all users that there may be were busy, in nanoseconds; only of those that did.
    public var userWait = Histogram()
    /// How far behind their intended start the generator itself was with the iterations that it started in open models, in
    /// nanoseconds: from the intended start to the actual one, less the time that the arrival waited because all users that
    /// there may be were busy. A target that is slow makes iterations wait for users; a generator that is slow shows here.
    public var scheduleLag = Histogram()
    /// Hits by the name they are grouped under; further names than ``Plan/maxNames`` are in ``otherName``.
    public var names: [String: NameStatistics] = [:]
    /// Iterations by scenario, where a run has several; by their names.
    public var scenarios: [String: ScenarioStatistics] = [:]
    /// Transactions by name, tags included (``TaggedName``).
    public var steps: [String: StepStatistics] = [:]
    /// Checks by name, likewise.
    public var checks: [String: CheckCounts] = [:]
    /// What the tests have measured of their own by name, likewise.
    public var metrics: [String: MetricStatistics] = [:]
    /// Errors of hits by kind.
    public var errors: [String: Occurrences] = [:]
    /// Assertion failures and thrown errors by place (`file:line`, or the scenario's name).
    public var failures: [String: Occurrences] = [:]
    /// What the generator says of itself.
    public var health = GeneratorHealth()
    /// Users running at the end of the interval.
    public var users = 0

    /// What belongs to iterations that started (in open models: were due) in the warm-up. It is in none of the other figures;
    /// its own health and users are empty. nil where there was nothing.
    public var warmUp: Statistics? {
        get { apart.first }
        set { apart = newValue.map { [$0] } ?? [] }
    }

    /// One at most; an array because a structure cannot hold itself.
    private var apart: [Statistics] = []

    /// Nothing was measured.
    public init() {}

    private func merged(with other: Statistics, limit: Int) -> Statistics {
        var sum = self
        sum.merge(other, limit: limit)
        return sum
    }

    /// The name under which hits are counted once there are too many names; the group of errors or failures likewise.
    public static let otherName = "(other)"

    /// Adds another interval. ``users`` become the other's, and ``health`` merges as that of one runner.
    ///
    /// - Parameter limit: How many names of each family are kept apart at most; what is under further ones goes to
    ///   ``otherName``, and counts among ``GeneratorHealth/overflowedNames``. Whoever merges over a whole run what others
    ///   have measured uses ``MeasuredNames``, which remembers.
    public mutating func merge(_ other: Statistics, limit: Int = Plan.nameLimit) {
        var excess = 0
        iterations.merge(other.iterations)
        service.merge(other.service)
        for (name, scenario) in other.scenarios {
            scenarios[scenarios.key(for: name), default: ScenarioStatistics()].merge(scenario)
        }
        arrivals.merge(other.arrivals)
        response.merge(other.response)
        unscheduled.merge(other.unscheduled)
        userWait.merge(other.userWait)
        scheduleLag.merge(other.scheduleLag)
        if let other = other.warmUp { warmUp = (warmUp ?? Statistics()).merged(with: other, limit: limit) }
        for (name, statistics) in other.names {
            names[names.key(of: name, limit, &excess), default: NameStatistics()].merge(statistics)
        }
        for (name, step) in other.steps {
            steps[steps.key(of: name, limit, &excess), default: StepStatistics()].merge(step)
        }
        for (name, counts) in other.checks {
            checks[checks.key(of: name, limit, &excess), default: CheckCounts()].merge(counts)
        }
        for (name, metric) in other.metrics {
            let key = metrics.key(for: name, metric.kind, metric.unit)
            metrics.merge(
                metric, under: metrics.key(of: key, limit, &excess, other: MetricStatistics.other(metric.kind)))
        }
        for (kind, occurrences) in other.errors { errors.add(occurrences, to: kind) }
        for (place, occurrences) in other.failures { failures.add(occurrences, to: place) }
        health.merge(other.health)
        health.overflowedNames = max(health.overflowedNames, excess)
        users = other.users
    }

    /// Hits, whatever their name.
    public var hitCount: Int { names.values.reduce(0) { $0 + $1.count } }
    /// Failed hits, whatever their name.
    public var failedHitCount: Int { names.values.reduce(0) { $0 + $1.failed } }

    /// Calls that were cancelled with the run, whatever their name (``NameStatistics/cancelled``).
    public var cancelledHitCount: Int { names.values.reduce(0) { $0 + $1.cancelled } }

    /// Of each iteration its response time if it had an intended start, and its service time otherwise.
    public var iterationTimes: Histogram {
        guard !unscheduled.isEmpty else { return response.isEmpty ? service : response }
        var times = response
        times.merge(unscheduled)
        return times
    }

    /// Iterations with those of the warm-up: all that the target saw.
    public var allIterations: IterationCounts {
        var counts = iterations
        if let warmUp { counts.merge(warmUp.iterations) }
        return counts
    }
    /// Hits with those of the warm-up and those that were cancelled with the run, whatever their name, likewise.
    public var allHitCount: Int {
        hitCount + cancelledHitCount + (warmUp.map { $0.hitCount + $0.cancelledHitCount } ?? 0)
    }

    /// All hits merged, whatever their name. Merges histograms: for the totals alone ask ``hitCount``.
    public var hits: NameStatistics {
        names.values.reduce(into: NameStatistics()) { $0.merge($1) }
    }
}

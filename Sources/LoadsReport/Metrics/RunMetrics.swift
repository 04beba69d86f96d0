public import LoadsCore
import LoadsEventLoop

/// What a run has measured so far, as monitoring systems take it.
///
/// A pure structure: it adds up the intervals that an observer is told of, or takes the whole at the end.
public struct RunMetrics: Sendable {
    /// Names the run.
    public let id: String
    /// As the user named it.
    public let target: String
    /// Wall time of the start, in seconds since 1970; nil before it.
    public private(set) var startedAt: Double?
    private(set) var statistics = Statistics()
    /// The end of the newest interval, in seconds since the start.
    private var newest = 0.0

    /// A run of which nothing was measured yet.
    public init(id: String, target: String) {
        self.id = id
        self.target = target
    }

    /// Adds an interval.
    public mutating func take(_ interval: MeasuredInterval) {
        startedAt = startedAt ?? interval.startedAt
        let users = statistics.users
        statistics.merge(interval.statistics)
        // What is late says nothing of those that run now.
        if interval.to < newest { statistics.users = users }
        newest = max(newest, interval.to)
        // It is the run's so far, not the interval's.
        statistics.health = interval.statistics.health
    }

    /// Takes the whole: nothing that came late or got lost on the way is missing.
    public mutating func take(_ summary: Summary) {
        startedAt = summary.startedAt
        statistics = summary.statistics
        statistics.users = 0
    }

    /// The figures, always in the same order.
    var all: [RunMetric] { hits + iterations + arrivals + grouped + generator }

    private var hits: [RunMetric] {
        let names = statistics.names.sorted { $0.key < $1.key }
        func points(_ value: (NameStatistics) -> RunMetric.Value) -> [RunMetric.Point] {
            names.map { .init(labels: [("name", $0.key)], value: value($0.value)) }
        }
        return [
            RunMetric(
                name: "loads_hits_total", kind: .counter, unit: "{hit}", help: "Calls made.",
                points: points { .count($0.count) }),
            RunMetric(
                name: "loads_hits_failed_total", kind: .counter, unit: "{hit}",
                help: "Calls without a complete response, or with a status that they do not accept.",
                points: points { .count($0.failed) }),
            RunMetric(
                name: "loads_requests_total", kind: .counter, unit: "{request}",
                help: "Exchanges that the calls took.", points: points { .count($0.requests) }),
            RunMetric(
                name: "loads_responses_total", kind: .counter, unit: "{response}", help: "Responses by status.",
                points: names.flatMap { name, hits in
                    hits.status.sorted { $0.key < $1.key }.map {
                        .init(labels: [("name", name), ("status", "\($0.key)")], value: .count($0.value))
                    }
                }),
            RunMetric(
                name: "loads_sent_bytes_total", kind: .counter, unit: "By", help: "Bytes sent, headers included.",
                points: points { .count($0.bytesSent) }),
            RunMetric(
                name: "loads_received_bytes_total", kind: .counter, unit: "By",
                help: "Bytes received, headers included.", points: points { .count($0.bytesReceived) }),
            RunMetric(
                name: "loads_latency_seconds", kind: .histogram, unit: "s",
                help: "Time of a call, to the last byte or to the error.",
                points: points { .distribution($0.latency) }),
            RunMetric(
                name: "loads_errors_total", kind: .counter, unit: "{hit}",
                help: "Calls without a complete response, by why.",
                points: statistics.errors.sorted { $0.key < $1.key }.map {
                    .init(labels: [("kind", $0.key)], value: .count($0.value.count))
                }),
        ]
    }

    private var iterations: [RunMetric] {
        let counts = statistics.iterations
        let results = [
            ("ok", counts.ok), ("failed", counts.failed), ("skipped", counts.skipped),
            ("interrupted", counts.interrupted),
        ]
        return [
            RunMetric(
                name: "loads_iterations_started_total", kind: .counter, unit: "{iteration}",
                help: "Iterations that have begun.", points: [.init(labels: [], value: .count(counts.started))]),
            RunMetric(
                name: "loads_iterations_total", kind: .counter, unit: "{iteration}",
                help: "Iterations that have ended, by how.",
                points: results.map { .init(labels: [("result", $0.0)], value: .count($0.1)) }),
            RunMetric(
                name: "loads_iteration_service_seconds", kind: .histogram, unit: "s",
                help: "Time of an iteration from its actual start.",
                points: [.init(labels: [], value: .distribution(statistics.service))]),
        ]
    }

    /// What open models have beside.
    private var arrivals: [RunMetric] {
        guard statistics.arrivals != ArrivalCounts() else { return [] }
        func one(_ value: RunMetric.Value) -> [RunMetric.Point] { [.init(labels: [], value: value)] }
        return [
            RunMetric(
                name: "loads_arrivals_planned_total", kind: .counter, unit: "{arrival}",
                help: "Iterations that were due.", points: one(.count(statistics.arrivals.planned))),
            RunMetric(
                name: "loads_arrivals_dropped_total", kind: .counter, unit: "{arrival}",
                help: "Iterations that were due and found no user.",
                points: one(.count(statistics.arrivals.dropped))),
            RunMetric(
                name: "loads_arrivals_cancelled_total", kind: .counter, unit: "{arrival}",
                help: "Iterations that were due and not begun because the run was stopped.",
                points: one(.count(statistics.arrivals.cancelled))),
            RunMetric(
                name: "loads_iteration_response_seconds", kind: .histogram, unit: "s",
                help: "Time of an iteration from when it was due.",
                points: one(.distribution(statistics.response))),
            RunMetric(
                name: "loads_schedule_lag_seconds", kind: .histogram, unit: "s",
                help: "How late iterations began.", points: one(.distribution(statistics.scheduleLag))),
        ]
    }

    private var grouped: [RunMetric] {
        let steps = statistics.steps.sorted { $0.key < $1.key }
        return [
            RunMetric(
                name: "loads_step_seconds", kind: .histogram, unit: "s", help: "Time of a step.",
                points: steps.map { .init(labels: [("step", $0.key)], value: .distribution($0.value.duration)) }),
            RunMetric(
                name: "loads_steps_failed_total", kind: .counter, unit: "{step}", help: "Steps that failed.",
                points: steps.map { .init(labels: [("step", $0.key)], value: .count($0.value.failed)) }),
            RunMetric(
                name: "loads_checks_total", kind: .counter, unit: "{check}", help: "Checks, by how they ended.",
                points: statistics.checks.sorted { $0.key < $1.key }.flatMap { name, counts in
                    [("passed", counts.passed), ("failed", counts.failed)].map {
                        .init(labels: [("check", name), ("result", $0.0)], value: .count($0.1))
                    }
                }),
        ] + MetricKind.allCases.flatMap(own)
    }

    /// What the tests measure of their own.
    private func own(_ kind: MetricKind) -> [RunMetric] {
        let metrics = statistics.metrics.filter { $0.value.kind == kind }.sorted { $0.key < $1.key }
        func points(_ value: (MetricStatistics) -> RunMetric.Value) -> [RunMetric.Point] {
            metrics.map { .init(labels: [("metric", $0.key), ("unit", $0.value.unit)], value: value($0.value)) }
        }
        switch kind {
        // A counter may be taken back: monitoring systems call that a gauge.
        case .counter:
            return [
                RunMetric(
                    name: "loads_metric_added", kind: .gauge, unit: "1",
                    help: "Counters of the tests: all that was added.",
                    points: points { .number($0.sum) })
            ]
        case .gauge:
            return [
                RunMetric(
                    name: "loads_metric_last", kind: .gauge, unit: "1", help: "Gauges of the tests: the last value.",
                    points: points { .number($0.last) })
            ]
        case .rate:
            return [
                RunMetric(
                    name: "loads_metric_values_total", kind: .counter, unit: "1", help: "Rates of the tests: values.",
                    points: points { .count($0.count) }),
                RunMetric(
                    name: "loads_metric_true_total", kind: .counter, unit: "1",
                    help: "Rates of the tests: values that are true.", points: points { .count(Int($0.sum)) }),
            ]
        case .trend:
            return [
                RunMetric(
                    name: "loads_metric_trend", kind: .histogram, unit: "1", help: "Trends of the tests.",
                    points: points { .distribution($0.trend) }, scale: 1e6)
            ]
        }
    }

    private var generator: [RunMetric] {
        let health = statistics.health
        func one(_ value: RunMetric.Value) -> [RunMetric.Point] { [.init(labels: [], value: value)] }
        return [
            RunMetric(
                name: "loads_users", kind: .gauge, unit: "{user}", help: "Users running now.",
                points: one(.count(statistics.users))),
            RunMetric(
                name: "loads_generator_cpu_seconds_total", kind: .counter, unit: "s",
                help: "CPU time of the load generators.", points: one(.number(health.cpuSeconds))),
            RunMetric(
                name: "loads_generator_loop_lag_max_seconds", kind: .gauge, unit: "s",
                help: "The longest that an event loop came late, since the start.",
                points: one(.number(Double(health.lag.worst) / 1e9))),
            RunMetric(
                name: "loads_run_info", kind: .gauge, unit: "1", help: "Which run this is; always 1.",
                points: [.init(labels: [("run", id), ("target", target)], value: .count(1))]),
        ]
    }
}

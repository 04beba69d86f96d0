import LoadsCore

extension Statistics {
    /// Writes scenarios, steps, checks and metrics; those who have none write nothing.
    func packGrouped(into packer: Packer) {
        if !scenarios.isEmpty {
            packer.field("scenarios") {
                for (name, scenario) in scenarios.sorted(by: { $0.key < $1.key }) {
                    packer.field(name) { scenario.pack(into: packer) }
                }
            }
        }
        if !steps.isEmpty {
            packer.field("steps") {
                for (name, step) in steps.sorted(by: { $0.key < $1.key }) {
                    packer.field(name) { step.pack(into: packer) }
                }
            }
        }
        if !checks.isEmpty {
            packer.field("checks") {
                for (name, counts) in checks.sorted(by: { $0.key < $1.key }) {
                    packer.field(name) {
                        packer.field("passed", counts.passed)
                        packer.field("failed", counts.failed)
                    }
                }
            }
        }
        if !metrics.isEmpty {
            packer.field("metrics") {
                for (name, metric) in metrics.sorted(by: { $0.key < $1.key }) {
                    packer.field(name) { metric.pack(into: packer) }
                }
            }
        }
    }
}

extension ScenarioStatistics {
    fileprivate func pack(into packer: Packer) {
        packer.field("iterations") { iterations.pack(into: packer) }
        packer.key("service")
        packer.histogram(service)
        if !response.isEmpty {
            packer.key("response")
            packer.histogram(response)
        }
        if arrivals != ArrivalCounts() { packer.field("arrivals") { arrivals.pack(into: packer) } }
    }

    /// All but the distributions.
    fileprivate init(_ node: Node, limit: Int) throws(WireError) {
        self.init()
        iterations = try IterationCounts(node.field("iterations"), limit: limit)
        if let node = try node.optional("arrivals") { arrivals = try ArrivalCounts(node, limit: limit) }
    }
}

extension StepStatistics {
    fileprivate func pack(into packer: Packer) {
        packer.field("count", count)
        packer.field("failed", failed)
        packer.key("duration")
        packer.histogram(duration)
    }
}

extension MetricStatistics {
    fileprivate func pack(into packer: Packer) {
        packer.field("kind", kind.rawValue)
        if !unit.isEmpty { packer.field("unit", unit) }
        packer.field("count", count)
        packer.field("sum", sum)
        packer.field("min", min)
        packer.field("max", max)
        packer.field("last", last)
        packer.field("last_s", lastAt)
        if kind == .trend {
            packer.key("trend")
            packer.histogram(trend)
        }
        if refused > 0 { packer.field("refused", refused) }
    }
}

/// The steps, checks and metrics of a message, found right; their histograms are still the message's bytes.
struct GroupedReader {
    private var scenarios: [(name: String, ScenarioStatistics, service: PackedHistogram, response: PackedHistogram)] =
        []
    private var steps: [(name: String, StepStatistics, PackedHistogram)] = []
    private var checks: [(name: String, CheckCounts)] = []
    private var metrics: [(name: String, MetricStatistics, PackedHistogram)] = []

    /// Sums of 2^53 values of the largest size.
    private static let sumLimit = 1e31

    /// - Parameter limit: The largest count, also of all names together.
    init(_ node: Node, limit: Int) throws(WireError) {
        let range = 0...limit
        var total = 0
        try node.optional("scenarios")?.forEachEntry { name, node throws(WireError) in
            let scenario = try ScenarioStatistics(node, limit: limit)
            try Self.add(scenario.iterations.started + scenario.arrivals.planned, to: &total, limit)
            scenarios.append(
                (
                    name, scenario, try Self.histogram(node.optional("service"), limit),
                    try Self.histogram(node.optional("response"), limit)
                ))
        }
        total = 0
        try node.optional("steps")?.forEachEntry { name, node throws(WireError) in
            var step = StepStatistics()
            step.count = try node.field("count").int(in: range)
            step.failed = try node.field("failed").int(in: range)
            try Self.add(step.count, to: &total, limit)
            steps.append((name, step, try Self.histogram(node.optional("duration"), limit)))
        }
        total = 0
        try node.optional("checks")?.forEachEntry { name, node throws(WireError) in
            let counts = CheckCounts(
                passed: try node.field("passed").int(in: range), failed: try node.field("failed").int(in: range))
            try Self.add(counts.count, to: &total, limit)
            checks.append((name, counts))
        }
        total = 0
        try node.optional("metrics")?.forEachEntry { name, node throws(WireError) in
            let metric = try MetricStatistics(node, limit: limit, sum: Self.sumLimit)
            try Self.add(metric.count + metric.refused, to: &total, limit)
            metrics.append((name, metric, try Self.histogram(node.optional("trend"), limit)))
        }
    }

    private static func histogram(_ node: Node?, _ limit: Int) throws(WireError) -> PackedHistogram {
        guard let node else { return PackedHistogram() }
        return try PackedHistogram(node, limit: limit)
    }

    private static func add(_ amount: Int, to total: inout Int, _ limit: Int) throws(WireError) {
        total += amount
        guard total <= limit else {
            throw WireError(
                code: .tooLarge, message: "message field scenarios, steps, checks or metrics: more than \(limit) in all"
            )
        }
    }

    /// - Parameter message: The bytes that this was read from.
    func merge(into statistics: inout Statistics, _ message: UnsafeRawPointer) {
        for (name, scenario, service, response) in scenarios {
            statistics.scenarios[statistics.scenarios.key(for: name), default: ScenarioStatistics()]
                .merge(scenario, service, response, message)
        }
        for (name, step, duration) in steps {
            statistics.steps[name, default: StepStatistics()].merge(step, duration, message)
        }
        for (name, counts) in checks { statistics.checks[name, default: CheckCounts()].merge(counts) }
        for (name, metric, trend) in metrics {
            let key = statistics.metrics.key(for: name, metric.kind, metric.unit)
            statistics.metrics[key, default: MetricStatistics(kind: metric.kind, unit: metric.unit)]
                .merge(metric, trend, message)
        }
    }
}

extension ScenarioStatistics {
    fileprivate mutating func merge(
        _ other: ScenarioStatistics, _ service: PackedHistogram, _ response: PackedHistogram,
        _ message: UnsafeRawPointer
    ) {
        merge(other)
        service.merge(into: &self.service, message)
        response.merge(into: &self.response, message)
    }
}

extension StepStatistics {
    fileprivate mutating func merge(_ other: StepStatistics, _ packed: PackedHistogram, _ message: UnsafeRawPointer) {
        merge(other)
        packed.merge(into: &duration, message)
    }
}

extension MetricStatistics {
    fileprivate mutating func merge(_ other: MetricStatistics, _ packed: PackedHistogram, _ message: UnsafeRawPointer) {
        mergeSums(other)
        packed.merge(into: &trend, message)
    }

    /// All but the distribution.
    fileprivate init(_ node: Node, limit: Int, sum sumLimit: Double) throws(WireError) {
        self.init(kind: try node.field("kind").choice(), unit: try node.optional("unit")?.text(64) ?? "")
        count = try node.field("count").int(in: 0...limit)
        sum = try node.field("sum").number(to: sumLimit)
        min = try node.field("min").number()
        max = try node.field("max").number()
        last = try node.field("last").number()
        lastAt = try node.field("last_s").double()
        refused = try node.optional("refused")?.int(in: 0...limit) ?? 0
    }
}

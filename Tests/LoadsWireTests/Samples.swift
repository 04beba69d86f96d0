import LoadsCore
import LoadsEventLoop
import LoadsWire

/// Messages with every field set, as the golden vectors hold them.
enum Samples {
    static let plan: Plan = {
        var plan = Plan(cycles: [
            .init(users: 10, amount: .iterations(100)), .init(users: 20, amount: .duration(.milliseconds(1500))),
        ])
        plan.pause = .seconds(1)
        plan.rampUp = .seconds(2)
        plan.think = .milliseconds(50)
        plan.grace = .seconds(5)
        plan.newConnections = true
        plan.threads = true
        plan.loops = 2
        plan.timeout = .seconds(7)
        plan.serverURL = "http://127.0.0.1:8080"
        plan.maxNames = 500
        plan.rawHits = true
        plan.firstUser = 34
        plan.seed = 9_007_199_254_740_991
        plan.part = Plan.Part(index: 1, count: 3)
        return plan
    }()

    static let arrivals: Arrivals = {
        var arrivals = Arrivals(
            stages: [
                RateStage(duration: .zero, rate: .perSecond(500)),
                RateStage(duration: .seconds(120), rate: .perSecond(500)),
                RateStage(duration: .milliseconds(10_500), rate: ArrivalRate(microPerHour: 1)),
            ], maxUsers: 300, queue: 1000, poisson: true, seed: 9_007_199_254_740_991)
        arrivals.stripe = Stripe.whole.divided(by: [1, 2])[1]
        return arrivals
    }()

    static let userStages = UserStages(
        stages: [UserStage(duration: .seconds(30), users: 50), UserStage(duration: .zero, users: 7)],
        stripe: Stripe([0..<5, 9..<4_294_967_296]))

    /// Plans of the models that are no cycles, with what only they and users have.
    static let openPlan: Plan = {
        var plan = Plan(arrivals: arrivals)
        plan.warmUp = .seconds(10)
        plan.precise = true
        plan.firstUser = 34
        return plan
    }()

    static let stagesPlan: Plan = {
        var plan = Plan(model: .users(userStages))
        plan.think = .normal(mean: .seconds(2), deviation: .milliseconds(500))
        plan.pacing = .seconds(5)
        return plan
    }()

    static let rateChange = Adjustment(
        users: 300, firstNewUser: 900, at: 81_234_567_890_124,
        change: .init(model: .arrivals(arrivals), from: 61_000_000_000))

    static let commands: [(name: String, command: RunnerCommand)] = [
        (
            "run",
            .run(
                RunnerOrder(
                    plan: plan, scenarios: ["BlogTests.TestWebSite/something()"],
                    options: ["header": ["a: b", "c: d"], "url": ["http://127.0.0.1:8080/"]],
                    waits: true))
        ),
        ("run-least", .run(RunnerOrder(plan: Plan(cycles: [.init(users: 1, amount: .iterations(1))])))),
        (
            "run-set-up",
            .run(
                RunnerOrder(
                    plan: Plan(cycles: [.init(users: 1, amount: .duration(.seconds(300)))]), waits: true, phase: .setUp,
                    hasSetUp: true))
        ),
        (
            "run-tear-down",
            .run(
                RunnerOrder(
                    plan: Plan(cycles: [.init(users: 1, amount: .duration(.seconds(60)))]), waits: true,
                    phase: .tearDown, hasSetUp: true, value: [1, 2, 255]))
        ),
        ("run-arrivals", .run(RunnerOrder(plan: openPlan, waits: true))),
        ("run-user-stages", .run(RunnerOrder(plan: stagesPlan, waits: true))),
        ("start", .start(at: 81_234_567_890_123)),
        ("adjust", .adjust(Adjustment(users: 40, firstNewUser: 100, at: 81_234_567_890_124))),
        ("adjust-arrivals", .adjust(rateChange)),
        (
            "adjust-user-stages",
            .adjust(
                Adjustment(
                    users: 7, firstNewUser: 0, at: 1, change: .init(model: .users(userStages), from: 2_000_000_000)))
        ),
        ("raw-hits", .rawHits(true)),
        ("stop", .stop),
        ("abort", .abort),
    ]

    static let batch: Batch = {
        var statistics = Statistics()
        statistics.iterations.started = 12
        statistics.iterations.ok = 7
        statistics.iterations.failed = 2
        statistics.iterations.skipped = 1
        statistics.iterations.interrupted = 1
        for value in [900, 1_500_000, 1_500_001, 2_000_000_000] as [Int64] { statistics.service.record(value) }
        var name = NameStatistics()
        name.count = 3
        name.failed = 1
        name.requests = 4
        name.bytesSent = 300
        name.bytesReceived = 4096
        for value in [1_000_000, 1_100_000, 60_000_000_000] as [Int64] { name.latency.record(value) }
        name.phases[5].record(800_000)
        name.status = [200: 2, 404: 1]
        statistics.names = ["GET /": name, "GET /é": NameStatistics()]
        var step = StepStatistics()
        step.count = 2
        step.failed = 1
        for value in [5_000_000, 7_000_000] as [Int64] { step.duration.record(value) }
        statistics.steps = ["checkout{plan=pro}": step, "é": StepStatistics()]
        statistics.checks = ["has token": CheckCounts(passed: 5, failed: 1)]
        let values: [(MetricKind, String, [Double])] = [
            (.counter, "", [3, 4]), (.gauge, "jobs", [8, -2.5]), (.rate, "", [1, 0, 1]), (.trend, "ms", [12.5, 0.25]),
        ]
        for (kind, unit, values) in values {
            var metric = MetricStatistics(kind: kind, unit: unit)
            for value in values { metric.record(value, at: 0.3) }
            if kind == .trend { metric.record(.nan, at: 0.3) }
            statistics.metrics["a \(kind)"] = metric
        }
        statistics.errors = ["connect": Occurrences(count: 2, first: 0.25, last: 1.5, sample: "connection refused")]
        statistics.failures = ["Blog.swift:12": Occurrences(count: 1, first: 0.5, last: 0.5, sample: "text is empty")]
        statistics.health.cpuSeconds = 0.125
        statistics.health.lag.latestTimer = 1000
        statistics.health.lag.longestJob = 2000
        statistics.health.lag.longJobs = 1
        statistics.health.lag.waited = 3000
        statistics.health.lag.holders = ["Blog.Web/slow": LoopHold(count: 1, longest: 20_000_000)]
        statistics.health.peakResidentBytes = 1 << 24
        statistics.health.droppedHits = 3
        statistics.health.orphanFailures = 4
        statistics.health.overflowedNames = 5
        statistics.users = 9
        let hits = [
            RawHit(
                time: 0.5, user: 3, iteration: 1, name: "GET /", method: "GET", url: "http://h/", status: 200,
                latency: 1_000_000, bytes: 1024, requests: 1, error: nil),
            RawHit(
                time: 0.75, user: 4, iteration: 0, name: "GET /", method: "GET", url: "http://h/", status: nil,
                latency: 2_000_000, bytes: 0, requests: 1, error: "connect"),
        ]
        return Batch(statistics: statistics, hits: hits, from: 0.25, to: 0.375)
    }()

    /// Of a plan with arrivals and a warm-up: what is after it, and it.
    static let openBatches: (after: Batch, warmUp: Batch) = {
        func part(_ count: Int) -> Statistics {
            var statistics = Statistics()
            statistics.iterations.started = count
            statistics.iterations.ok = count
            statistics.arrivals = ArrivalCounts(planned: count + 2, started: count, dropped: 1)
            for number in 1...Int64(count) {
                statistics.service.record(number * 1_000_000)
                statistics.response.record(number * 1_500_000)
                statistics.scheduleLag.record(number * 1_000)
            }
            return statistics
        }
        var statistics = part(4)
        statistics.users = 3
        var apart = Statistics()
        apart.warmUp = part(2)
        apart.users = 3
        return (Batch(statistics: statistics, from: 9.9, to: 10), Batch(statistics: apart, from: 9.9, to: 10))
    }()

    /// Of a mix: a scenario with a rate of its own, one with users, and the arrivals of two that share a rate.
    static let scenarios: Batch = {
        var statistics = Statistics()
        var (rate, users, both) = (ScenarioStatistics(), ScenarioStatistics(), ScenarioStatistics())
        (rate.iterations.started, rate.iterations.ok, rate.iterations.failed) = (5, 3, 1)
        rate.arrivals = ArrivalCounts(planned: 8, started: 5, dropped: 2)
        for value in [1_000_000, 2_500_000] as [Int64] {
            rate.service.record(value)
            rate.response.record(value + 500_000)
        }
        (users.iterations.started, users.iterations.skipped, users.iterations.interrupted) = (2, 1, 1)
        both.arrivals = ArrivalCounts(planned: 4, started: 4, dropped: 0)
        statistics.iterations.started = 7
        statistics.scenarios = ["Shop/buys": rate, "Shop/looks": users, "Shop/a, Shop/b": both]
        return Batch(statistics: statistics, from: 0, to: 0.1)
    }()

    static let reports: [(name: String, report: RunnerReport)] = [
        ("hello", .hello(kind: "swift-test", process: 4711)),
        ("ready", .ready),
        ("started", .started(late: 0.001)),
        ("batch", .batch(batch)),
        ("batch-empty", .batch(Batch())),
        ("batch-arrivals", .batch(openBatches.after)),
        ("batch-warm-up", .batch(openBatches.warmUp)),
        ("batch-scenarios", .batch(scenarios)),
        ("note", .note("10 users do not fit: größer")),
        ("value", .value([0, 128, 255])),
        ("ended", .ended(interrupted: true, seconds: 12.5)),
        ("refused", .refused(code: 69, message: "no such test")),
    ]
}

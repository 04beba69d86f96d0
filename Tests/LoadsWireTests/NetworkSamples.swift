import LoadsCore
import LoadsWire

/// Messages of control, results and stream with every field set, as the golden vectors hold them.
enum NetworkSamples {
    static let (agent, run, epoch, boot) = ("agent-7", "20261125-r1", "00112233445566aa", "f00dcafe01020304")
    static let hash = String(repeating: "0123456789abcdef", count: 4)
    static let platform = Platform(system: "linux", architecture: "x86_64", library: "glibc 2.36")
    static let fault = WireFault(code: "duplicate", message: "agent-7 is already here, with another epoch")

    static let launch = RunnerLaunch(
        program: .path("bin/BlogTests.xctest"), arguments: ["--quiet", "ü"], environment: ["A": "b", "EMPTY": ""],
        directory: "/tmp", dialect: .lines,
        files: [.init(path: "bin/BlogTests.xctest", executable: true, bytes: 300_000, hash: hash)],
        platform: platform)
    static let order = RunnerOrder(
        plan: Samples.plan, scenarios: ["a/b()"], options: ["url": ["http://h/"]], waits: true)

    static let hello: AgentHello = {
        AgentHello(
            agent: agent, name: "host-7", epoch: epoch, software: "loads 0.3.0", platform: platform, cores: 8,
            memoryBytes: 16 << 30, labels: ["zone": "a"], builtIn: ["url"],
            runs: [.init(run: run, sequence: 41, running: true)])
    }()

    static let usage: HostUsage = {
        var usage = HostUsage()
        usage.busyCores = 1.5
        usage.cpuSeconds = 12.25
        usage.residentBytes = 1 << 26
        usage.descriptors = 120
        usage.receivedBytesPerSecond = 1e6
        usage.sentBytesPerSecond = 2e5
        return usage
    }()

    static let agents: [(name: String, message: AgentMessage)] = [
        ("hello", .hello(hello)),
        (
            "hello-least",
            .hello(
                AgentHello(
                    agent: "a", name: "", epoch: epoch, software: "x", platform: platform, cores: 1, memoryBytes: 0,
                    dialects: []))
        ),
        (
            "beat",
            .beat(
                AgentBeat(
                    sent: 5_000_000_000, echo: .init(masterSent: -7, received: 4_999_000_000), usage: usage,
                    spoolMessages: 3, spoolBytes: 4096))
        ),
        ("beat-first", .beat(AgentBeat(sent: -1))),
        (
            "beat-leaving",
            .beat(
                {
                    var beat = AgentBeat(sent: 7_000_000_000, spoolMessages: 1, spoolBytes: 80)
                    beat.isLeaving = true
                    return beat
                }())
        ),
        ("status-preparing", .status(run: run, .preparing(missingBytes: 1000))),
        ("status-ready", .status(run: run, .ready)),
        ("status-refused", .status(run: run, .refused(code: 69, message: "glibc 2.31 is too old"))),
        ("fetch", .fetch(hash: hash, offset: 262_144, bytes: 1_048_576)),
        ("goodbye", .goodbye(reason: "terminated")),
        ("error", .error(WireFault(code: "unknown-run", message: "not here", run: run))),
    ]

    static let welcome = MasterWelcome(
        boot: boot, resultsPort: 7781, streamPort: 7782, host: "master.example", sent: -81_234_567_890,
        batchInterval: 250_000_000)

    static let masters: [(name: String, message: MasterMessage)] = [
        ("welcome", .welcome(welcome)),
        ("welcome-least", .welcome(MasterWelcome(boot: boot, resultsPort: 1, streamPort: 2, sent: 0))),
        ("lease", .lease(MasterLease(sent: 6_000_000_000))),
        ("run", .run(AgentOrder(run: run, launch: launch, order: order))),
        (
            "run-url",
            .run(
                AgentOrder(
                    run: run, launch: RunnerLaunch(program: .builtIn("url")),
                    order: RunnerOrder(plan: Plan(cycles: [.init(users: 1, amount: .iterations(1))]))))
        ),
        ("start", .start(run: run, at: -81_234_567_890_123)),
        ("adjust", .adjust(run: run, Adjustment(users: 40, firstNewUser: 100, at: 9_000_000_000))),
        ("adjust-arrivals", .adjust(run: run, Samples.rateChange)),
        ("stop", .stop(run: run, abort: false, reason: "asked for by a client")),
        ("raw-hits", .rawHits(run: run, wanted: true)),
        ("ack", .ack(run: run, epoch: epoch, sequence: 41)),
        ("chunk", .chunk(FileChunk(hash: hash, offset: 262_144, bytes: [0, 1, 2, 254, 255]))),
        ("error", .error(fault)),
    ]

    private static func result(_ sequence: UInt64, _ content: ResultMessage.Content) -> ResultMessage {
        ResultMessage(run: run, agent: agent, epoch: epoch, sequence: sequence, content: content)
    }

    static let crash = RunnerCrash(
        reason: "signal 11 (SIGSEGV)", output: "Fatal error", unreportedStarted: 3, unreportedEnded: 2,
        unreportedHits: 5)

    static let results: [(name: String, message: ResultMessage)] = [
        ("report", result(1, .report(RunnerReport.started(late: 0.001).encoded()[0]))),
        ("ended-finished", result(2, .ended(.finished(interrupted: true, seconds: 12.5)))),
        ("ended-refused", result(3, .ended(.refused(code: 70, message: "no such test")))),
        ("ended-crashed", result(4, .ended(.crashed(crash)))),
        ("lost", result(5, .lost(.init(messages: 10, hits: 2000, iterations: 300, from: 1.5, to: 2.5)))),
    ]

    /// One of each state.
    static let thresholds: [ThresholdResult] = {
        guard let latency = try? Threshold("p95(GET /login) < 200ms over 10s for 30s after 1m min 100 samples abort"),
            let errors = try? Threshold("errors < 1%"), let checks = try? Threshold("checks(has token) > 99%")
        else { return [] }
        return [
            ThresholdResult(
                threshold: latency, state: .breached, actual: 312_500_000, samples: 1200, windowEnd: 90, windows: 21,
                brokenWindows: 20, breachedAt: 89, provisional: true, aborted: true, lateSamples: 3),
            ThresholdResult(threshold: errors, state: .passed, actual: 0.005, samples: 1000),
            ThresholdResult(threshold: checks, doubt: .unknownName),
        ]
    }()

    static let submission = RunSubmission(
        run: run, target: "BlogTests.TestWebSite/something", isURLTarget: false, launch: launch, order: order,
        placement: Placement(agents: 3, labels: ["zone": "a"], weighted: true, onLost: .redistribute), keepHits: true,
        thresholds: thresholds.map(\.threshold))

    static let requests: [(name: String, message: ClientRequest)] = [
        ("hello", ClientRequest(id: 1, ask: .hello(software: "loads 0.3.0"))),
        ("submit", ClientRequest(id: 2, ask: .submit(submission))),
        ("upload", ClientRequest(id: 3, ask: .upload(FileChunk(hash: hash, offset: 0, bytes: [7])))),
        ("status", ClientRequest(id: 4, ask: .status)),
        ("snapshot", ClientRequest(id: 5, ask: .snapshot(run: run))),
        ("stop", ClientRequest(id: 6, ask: .stop(run: run, abort: true))),
        ("adjust", ClientRequest(id: 7, ask: .adjust(run: run, users: 200))),
        ("log", ClientRequest(id: 8, ask: .log(run: run, from: 12))),
        ("seconds", ClientRequest(id: 9, ask: .seconds(run: run, from: 60))),
    ]

    static let event = RunEvent(kind: "agent-silent", text: "agent-7 is silent", agent: agent)

    static let snapshot: RunSnapshot = {
        var share = AgentShare(id: agent, name: "host-7", users: 34)
        share.hits = 340
        share.iterations.started = 34
        share.state = .lost
        share.missing = .init(from: 3.5, to: 4.5, hits: 12, reason: "killed")
        share.droppedHits = 4
        share.startSkew = -0.001
        share.clockError = 0.0002
        share.usage = .init(cores: 8, seconds: 12.25, cpuSeconds: 30.5, waitedSeconds: 0.25)
        return RunSnapshot(
            boot: boot, submission: submission, state: .refused(code: 69, message: "no agent fits"),
            startedAt: 1_764_111_600.5, elapsed: 12.5, interrupted: true, sequences: ["hits": 7, "stats": 8],
            statistics: Samples.batch.statistics, agents: [share, AgentShare(id: "b", name: "", users: 33)],
            crash: crash, thresholds: thresholds, tearDownFailure: "the shop is gone")
    }()

    static let status: ClusterStatus = {
        var iterations = IterationCounts()
        iterations.started = 5
        return ClusterStatus(
            boot: boot,
            agents: [
                .init(hello: hello, state: .busy, silence: 0.25, usage: usage, roundTrip: 0.0003, run: run),
                .init(hello: hello, state: .gone, silence: 70, usage: HostUsage(), roundTrip: nil, run: nil),
            ],
            runs: [
                .init(
                    run: run, target: "http://h/", state: .running, startedAt: 1_764_111_600.5, elapsed: 3.5,
                    users: 100,
                    iterations: iterations, hits: 10, failedHits: 1),
                .init(
                    run: "r2", target: "t", state: .queued, startedAt: nil, elapsed: 0, users: 0,
                    iterations: IterationCounts(), hits: 0, failedHits: 0),
            ])
    }()

    static let answers: [(name: String, message: ClientAnswer)] = [
        ("welcome", ClientAnswer(id: 1, answer: .welcome(welcome))),
        ("accepted", ClientAnswer(id: 2, answer: .accepted(run: run, missing: [hash]))),
        ("credit", ClientAnswer(id: 3, answer: .credit(hash: hash, bytes: 262_144, complete: false))),
        ("status", ClientAnswer(id: 4, answer: .status(status))),
        ("snapshot", ClientAnswer(id: 5, answer: .snapshot(snapshot))),
        ("done", ClientAnswer(id: 6, answer: .done)),
        ("log", ClientAnswer(id: 8, answer: .log([LogEntry(number: 12, at: 1_764_111_601.5, event: event)]))),
        ("error", ClientAnswer(id: 9, answer: .error(fault))),
        (
            "seconds",
            ClientAnswer(
                id: 9,
                answer: .seconds(
                    SecondsPage([
                        MeasuredSecond(second: 60, Samples.batch.statistics), MeasuredSecond(second: 62, Statistics()),
                    ])))
        ),
    ]

    private static func stream(
        _ sequence: UInt64, _ content: StreamMessage.Content, result: StreamMessage.Result? = nil
    ) -> StreamMessage {
        StreamMessage(run: run, boot: boot, sequence: sequence, time: 12.5, content: content, result: result)
    }

    static let streams: [(name: String, message: StreamMessage)] = [
        ("hits", stream(1, .hits(agent: agent, Samples.batch.hits))),
        (
            "hits-of-result",
            stream(6, .hits(agent: agent, Samples.batch.hits), result: .init(epoch: boot, sequence: 9))
        ),
        ("stats", stream(2, .statistics(from: 1.25, to: 2.25, Samples.batch.statistics))),
        ("thresholds", stream(6, .thresholds(thresholds))),
        ("event", stream(3, .event(event))),
        ("event-of-no-agent", stream(4, .event(RunEvent(kind: "started", text: "100 users on 3 agents")))),
        ("beat", stream(5, .beat)),
    ]
}

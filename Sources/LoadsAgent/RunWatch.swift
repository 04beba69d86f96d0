import LoadsCore
import LoadsWire

/// Follows one run on an agent, from the order to its end.
///
/// A pure structure: commands of the master, the files, reports and the end of the runner come in; what is to be done
/// goes out. It knows no process and no clock.
struct RunWatch {
    enum Phase: Equatable {
        /// Files are fetched.
        case preparing(missingBytes: Int)
        /// The runner loads.
        case starting
        /// It waits for the start.
        case ready
        /// It was told to start, or has.
        case running
        /// The program has ended before the start, and well: the run is over once it starts.
        case done
        /// It will not run; kept to say so again.
        case refused(code: Int, message: String)
        case over
    }

    enum Action: Equatable {
        case status(AgentRunState)
        /// Start the runner.
        case launch
        case command(RunnerCommand)
        /// Number the report, and deliver it.
        case deliver(ReportHead)
        /// Say this to the user, in the sequence of the run.
        case note(String)
        case end(RunnerEnd)
        /// Nothing was run: drop what was delivered.
        case drop
        /// Kill the runner if it has not ended within a time; the sooner counts. Nil lifts that.
        case expectEnd(within: Duration?, reason: String)
        case kill(reason: String)
    }

    let order: AgentOrder
    private(set) var phase: Phase
    private let patience: Duration
    private let readyPatience: Duration
    private var hasRunner = false
    private var hasStarted = false
    private var ended: (interrupted: Bool, seconds: Double)?
    private var refusal: (code: Int, message: String)?
    /// Why it has to end, if it has; nil while it may go on.
    private var stopping: (abort: Bool, reason: String)?
    /// Commands that came before there was a runner.
    private var early: [RunnerCommand] = []

    init(_ order: AgentOrder, patience: Duration, readyPatience: Duration) {
        self.order = order
        self.patience = patience
        self.readyPatience = readyPatience
        phase = .preparing(missingBytes: order.launch.files.reduce(0) { $0 + $1.bytes })
    }

    /// Whether a runner lives, or is about to.
    var isRunning: Bool {
        switch phase {
        case .preparing, .starting, .ready, .running, .done: true
        case .refused, .over: false
        }
    }

    /// What the master is told after a cut.
    var status: AgentRunState? {
        switch phase {
        case .preparing(let missing): .preparing(missingBytes: missing)
        case .starting: .preparing(missingBytes: 0)
        case .ready, .done: .ready
        case .refused(let code, let message): .refused(code: code, message: message)
        case .running, .over: nil
        }
    }

    /// The last status that the master was told, for an order that comes again.
    var lastStatus: AgentRunState? { phase == .running ? .ready : status }

    // MARK: Preparation

    /// So many bytes are still to be fetched.
    mutating func fetched(missingBytes: Int) -> [Action] {
        guard case .preparing = phase else { return [] }
        phase = .preparing(missingBytes: missingBytes)
        return [.status(.preparing(missingBytes: missingBytes))]
    }

    /// All files are there.
    mutating func prepared() -> [Action] {
        guard case .preparing = phase else { return [] }
        phase = .starting
        return [.launch]
    }

    /// The runner has been started.
    mutating func launched() -> [Action] {
        guard case .starting = phase else { return [] }
        hasRunner = true
        var runner = order.order
        runner.waits = true
        defer { early = [] }
        return [
            .command(.run(runner)),
            .expectEnd(within: readyPatience, reason: "it did not get ready within \(readyPatience)"),
        ] + early.map { .command($0) }
    }

    /// It cannot be run.
    mutating func refuse(code: Int, _ message: String) -> [Action] {
        guard isRunning else { return [] }
        phase = .refused(code: code, message: message)
        return [.drop, .status(.refused(code: code, message: message))]
    }

    // MARK: The master's commands

    mutating func start(at instant: Int64) -> [Action] {
        guard phase != .running else { return [] }
        if phase == .done { return finish(interrupted: false) }
        return pass(.start(at: instant))
    }

    mutating func pass(_ command: RunnerCommand) -> [Action] {
        switch phase {
        case .preparing,
            .starting where !hasRunner:
            early.append(command)
            return []
        case .starting: return [.command(command)]
        case .ready:
            guard case .start = command else { return [.command(command)] }
            phase = .running
            return [.command(command)] + expectedLength
        case .running: return [.command(command)]
        case .done, .refused, .over: return []
        }
    }

    /// It is over, and nothing of it was ever under way.
    private mutating func finish(interrupted: Bool) -> [Action] {
        phase = .over
        return [.end(.finished(interrupted: interrupted, seconds: 0))]
    }

    /// A plan of known length ends in time, or its runner hangs.
    private var expectedLength: [Action] {
        let plan = order.order.plan
        guard let time = plan.length else { return [] }
        let length = time + plan.grace + patience + .seconds(30)
        return [.expectEnd(within: length, reason: "it did not end in time")]
    }

    /// Ends the run: gracefully, or at once. Said again it changes nothing: a master that finds its agent again repeats it.
    mutating func stop(abort: Bool, reason: String) -> [Action] {
        let before = stopping
        if case .refused = phase {
            phase = .over
            return [.drop]
        }
        if let before, before.abort || !abort { return [] }
        stopping = (abort, before?.reason ?? reason)
        switch phase {
        case .preparing,
            .starting where !hasRunner:
            return finish(interrupted: true)
        case .done: return finish(interrupted: true)
        case .starting, .ready, .running:
            let limit = (abort ? .zero : order.order.plan.grace) + patience
            return [
                .command(abort ? .abort : .stop),
                .expectEnd(within: limit, reason: "it was told to end (\(reason)) and did not within \(limit)"),
            ]
        case .refused, .over: return []
        }
    }

    /// Ends the run gracefully, though its master has not said so: the agent itself has to end, or has no master.
    mutating func leave(reason: String) -> [Action] {
        let isNew = isRunning && stopping == nil
        return (isNew ? [.note("its users stop before the plan is done: \(reason)")] : [])
            + stop(abort: false, reason: reason)
    }

    // MARK: The runner

    mutating func take(_ head: ReportHead) -> [Action] {
        switch head.kind {
        case .hello: return []
        case .ready:
            guard case .starting = phase else { return [] }
            phase = .ready
            // From here on the master says when.
            return (stopping == nil ? [.expectEnd(within: nil, reason: "")] : []) + [.status(.ready)]
        case .started:
            hasStarted = true
            if phase == .starting || phase == .ready { phase = .running }
            return [.deliver(head)]
        case .batch, .note, .value: return [.deliver(head)]
        case .ended(let interrupted, let seconds):
            ended = (interrupted, seconds)
            return [.expectEnd(within: FrameSpeech.exitPatience, reason: "it reported its end and did not exit")]
        case .refused(let code, let message):
            refusal = (code, message)
            return [.expectEnd(within: FrameSpeech.exitPatience, reason: "it refused the run and did not exit")]
        }
    }

    /// The runner sent something that is no report.
    func garbage(_ error: WireError) -> [Action] {
        [.kill(reason: "it sent something that is no report (\(error))")]
    }

    /// The runner's process has ended.
    ///
    /// A process that dies after it has reported its end has lost nothing: that is worth a line, not a crash. So is a
    /// program of the user's that has nothing to report, whether it ends before its start or after it: which of the two is
    /// a matter of chance.
    ///
    /// - Parameters:
    ///   - counted: What it counted in memory that outlives it.
    ///   - delivered: What its batches have reported.
    mutating func exited(_ exit: RunnerExit, counted: ReportCounts, delivered: ReportCounts) -> [Action] {
        guard isRunning, phase != .done else { return [] }
        let reason = exit.fault ?? ExitReason.describe(exit.status)
        if let refusal {
            guard hasStarted else { return refuse(code: refusal.code, refusal.message) }
            phase = .over
            return [.end(.refused(code: refusal.code, message: refusal.message))]
        }
        if let ended {
            phase = .over
            let end = Action.end(.finished(interrupted: ended.interrupted, seconds: ended.seconds))
            if exit.status == 0 && exit.fault == nil {
                return delivered == ReportCounts() && !ended.interrupted ? saidNothing(exit) + [end] : [end]
            }
            return [.note("after the run the runner ended badly: \(reason)"), end]
        }
        if !hasStarted, stopping == nil {
            if isProgram, exit.status == 0, exit.fault == nil {
                if phase == .running { return saidNothing(exit) + finish(interrupted: false) }
                let told: [Action] = phase == .starting ? [.status(.ready)] : []
                phase = .done
                return saidNothing(exit) + told
            }
            let words = exit.output.isEmpty ? "" : "\n\(exit.output)"
            return refuse(code: 71, "the runner ended before the run: \(reason)\(words)")
        }
        phase = .over
        if !hasStarted, exit.fault == nil { return [.end(.finished(interrupted: true, seconds: 0))] }
        return [
            .end(
                .crashed(
                    RunnerCrash(
                        reason: exit.fault ?? (exit.status == 0 ? "it exited before it reported its end" : reason),
                        output: exit.output, unreportedStarted: max(0, counted.started &- delivered.started),
                        unreportedEnded: max(0, counted.ended &- delivered.ended),
                        unreportedHits: max(0, counted.hits &- delivered.hits))))
        ]
    }

    private var isProgram: Bool { order.launch.dialect == .lines }

    /// A program that ended well, and from which nothing came that could be counted.
    private func saidNothing(_ exit: RunnerExit) -> [Action] {
        guard isProgram else { return [] }
        let words = exit.output.split(whereSeparator: \.isNewline).suffix(12).map { "\n  │ \($0)" }.joined()
        return [
            .note(
                "the program has ended with exit code 0 and reported no hit and no iteration; it writes them to the "
                    + "descriptor that LOADS_RESULTS_FD names, one JSON object a line\(words)")
        ]
    }
}

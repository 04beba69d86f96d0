import CLinux
import Glibc
public import LoadsCore
import LoadsEventLoop
public import LoadsWire
import Synchronization

/// A runner's side of the pipe to its agent: the order comes in, the batches go out.
///
/// A process that an agent starts finds its descriptors in `LOADS_COMMANDS_FD`, `LOADS_REPORTS_FD` and
/// `LOADS_COUNTERS_FD` (Docs/RunnerProtocol.md). Call ``open(kind:)``, ``order()``, then ``run(scenarios:)`` or
/// ``refuse(code:message:)``, and exit.
public final class RunnerConnection: Sendable {
    private let commands: CommandReader
    private let reports: ReportWriter
    private let counters: LiveCounters?
    private let received = Mutex<RunnerOrder?>(nil)

    /// Whether this process was started by an agent.
    public static var isRunner: Bool { descriptor("LOADS_REPORTS_FD") != nil }

    private init(commands: Int32, reports: Int32, counters: LiveCounters?) {
        self.commands = CommandReader(descriptor: commands)
        self.reports = ReportWriter(descriptor: reports)
        self.counters = counters
    }

    /// Takes over the descriptors that the agent left, and says hello.
    ///
    /// - Parameter kind: What this runner is: `swift-test`, `url`.
    /// - Throws: ``WireError`` when the process was not started by an agent.
    public static func open(kind: String) throws(WireError) -> RunnerConnection {
        guard let commands = descriptor("LOADS_COMMANDS_FD"), let reports = descriptor("LOADS_REPORTS_FD") else {
            throw WireError(
                code: .conversation,
                message: "this process is a runner of loads and was not started by an agent: use `loads`")
        }
        // The agent's end may go at any time; that is an error code, not a signal.
        signal(SIGPIPE, SIG_IGN)
        // When a run ends is the agent's to say: a Ctrl-C for the whole terminal must not kill what is measured.
        signal(SIGINT, SIG_IGN)
        signal(SIGTERM, SIG_IGN)
        loads_die_with_parent()
        let counters = descriptor("LOADS_COUNTERS_FD").flatMap(map)
        for descriptor in [commands, reports] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        for name in ["LOADS_COMMANDS_FD", "LOADS_REPORTS_FD", "LOADS_COUNTERS_FD"] { unsetenv(name) }
        let connection = RunnerConnection(commands: commands, reports: reports, counters: counters)
        connection.reports.send(.hello(kind: kind, process: Int(getpid())))
        return connection
    }

    /// Waits for the order; blocks the thread.
    ///
    /// - Throws: ``WireError`` when the agent is gone or sends something else.
    public func order() throws(WireError) -> RunnerOrder {
        guard let command = try commands.next() else {
            throw WireError(code: .conversation, message: "the agent went away before it gave an order")
        }
        guard case .run(let order) = command else {
            throw WireError(code: .conversation, message: "the agent's first command is not an order")
        }
        received.withLock { $0 = order }
        return order
    }

    /// Says something to the user.
    public func note(_ text: String) { reports.send(.note(text)) }

    /// Says that the order cannot be carried out. Nothing was run; the process should exit next.
    ///
    /// - Parameter code: The exit code that `loads` ends with: 65, 69, 70 …
    public func refuse(code: Int, message: String) {
        reports.send(.refused(code: code, message: message))
        reports.close()
    }

    /// Runs the scenarios under the order's plan and reports everything. The process should exit next.
    ///
    /// An order that waits is prepared and reported ready; its users start when the agent says. Start, adjustments, raw
    /// hits, stop and abort come from the agent; an agent that goes away ends the run at once.
    @discardableResult
    public func run(scenarios: [Scenario]) async -> RunEnding {
        guard let order = received.withLock({ $0 }) else {
            refuse(
                code: 70, message: "the runner was started without an order: this is a fault of loads, please report it"
            )
            return RunEnding(interrupted: true)
        }
        let reports = reports
        let runner = ScenarioRunner(plan: order.plan, scenarios: scenarios, counters: counters) {
            reports.send(.batch($0))
        }
        let (starts, signal) = AsyncStream<Instant>.makeStream()
        commands.listen { command in
            switch command {
            case .start(let time):
                signal.yield(Instant(nanoseconds: time))
                signal.finish()
            case .adjust(let adjustment): Self.adjust(runner, adjustment, reports)
            case .rawHits(let wanted): runner.setRawHits(wanted)
            case .stop:
                runner.stop()
                signal.finish()
            case .abort, nil:
                runner.abort()
                signal.finish()
            case .run: break
            }
        }
        let start = Mutex<Instant?>(nil)
        let ending = await runner.run(
            startingAt: {
                guard order.waits else { return .now }
                reports.send(.ready)
                return await starts.first { _ in true }
            },
            onStart: { time, late in
                start.withLock { $0 = time }
                reports.send(.started(late: late.inSeconds))
            })
        if let note = ending.note(order.plan) { reports.send(.note(note)) }
        let seconds = start.withLock { $0 }.map { Double(Instant.now.nanoseconds(since: $0)) / 1e9 } ?? 0
        reports.send(.ended(interrupted: ending.interrupted, seconds: max(0, seconds)))
        reports.close()
        return ending
    }

    /// Does what the order wants once, the set-up or the tear-down of a run, and reports what came of it. The process should
    /// exit next.
    ///
    /// The body begins when the agent says. It is cancelled after the plan's duration, or when the agent ends it or is gone;
    /// one that goes on for ten more seconds is left behind.
    ///
    /// - Parameter body: Returns the value that the set-up hands over; nil for none. An error is reported in its words.
    public func perform(_ body: @escaping @Sendable () async throws -> [UInt8]?) async {
        guard let order = received.withLock({ $0 }) else { return }
        let reports = reports
        let (starts, signal) = AsyncStream<Bool>.makeStream()
        let (endings, end) = AsyncStream<String>.makeStream()
        commands.listen { command in
            switch command {
            case .start: signal.yield(true)
            case .stop, .abort: end.yield("it was stopped")
            case nil: end.yield("the agent is gone")
            default: return
            }
            signal.finish()
        }
        if order.waits {
            reports.send(.ready)
            guard await starts.first(where: { _ in true }) == true else {
                reports.send(.ended(interrupted: true, seconds: 0))
                reports.close()
                return
            }
        }
        reports.send(.started(late: 0))
        let start = Instant.now
        let limit: Duration =
            if case .duration(let limit)? = order.plan.cycles.first?.amount { limit } else { .seconds(60) }
        let work = Task { try await body() }
        let clock = Task {
            try? await Task.sleep(for: limit)
            if !Task.isCancelled { end.yield("it did not end within \(DurationText.text(limit))") }
        }
        let outcome = Mutex<RunnerReport?>(nil)
        let finished = Task {
            let result = await work.result
            outcome.withLock { outcome in
                switch result {
                case .success(let value?) where value.count > RunnerOrder.valueLimit:
                    outcome = .refused(
                        code: 69,
                        message:
                            "its value has \(value.count) bytes: at most \(RunnerOrder.valueLimit) can be handed over")
                case .success(let value): outcome = .value(value ?? [])
                case .failure(let error): outcome = .refused(code: 69, message: "\(error)")
                }
            }
            end.finish()
        }
        if let reason = await endings.first(where: { _ in true }) {
            work.cancel()
            let patience = Task {
                try? await Task.sleep(for: .seconds(10))
                end.finish()
            }
            for await _ in endings {}
            patience.cancel()
            // What it says of its cancellation is of our making.
            outcome.withLock { outcome in
                if case .value? = outcome { return }
                outcome = .refused(code: 69, message: reason)
            }
        }
        clock.cancel()
        finished.cancel()
        switch outcome.withLock({ $0 }) {
        case .value(let value)?:
            reports.send(.value(value))
            reports.send(
                .ended(interrupted: false, seconds: Double(max(0, Instant.now.nanoseconds(since: start))) / 1e9))
        case let refusal?: reports.send(refusal)
        case nil: break
        }
        reports.close()
    }

    private static func adjust(_ runner: ScenarioRunner, _ adjustment: Adjustment, _ reports: ReportWriter) {
        if let change = adjustment.change {
            return runner.change(to: change.model, firstNewUser: adjustment.firstNewUser, from: change.from) {
                reports.send(.note("a change of the plan came too late: nothing was changed"))
            }
        }
        runner.adjust(
            to: adjustment.users, firstNewUser: adjustment.firstNewUser, at: Instant(nanoseconds: adjustment.at)
        ) {
            reports.send(
                .note(
                    "the change to \(Counted.text(adjustment.users, "user")) came while no cycle was running: nothing was changed"
                ))
        }
    }

    private static func descriptor(_ name: String) -> Int32? {
        guard let text = getenv(name), let number = Int32(String(cString: text)), fcntl(number, F_GETFD) >= 0 else {
            return nil
        }
        return number
    }

    private static func map(_ descriptor: Int32) -> LiveCounters? {
        let base = mmap(nil, LiveCounters.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        close(descriptor)
        guard let base, base != MAP_FAILED else { return nil }
        return LiveCounters(base: base)
    }
}

extension RunEnding {
    /// What is to be said of users that ended before the plan did; nil where there are none.
    func note(_ plan: Plan) -> String? {
        guard endedUsers > 0 else { return nil }
        let who = endedUsers == 1 ? "it" : "them"
        return
            "\(Counted.text(endedUsers, "user")) ended before the plan was done: a test ended \(who), as a feeder of unique "
            + "rows does that has none for \(who) (it takes a row for each user"
            + (plan.isOpen ? "; a rate makes up to --max-users of them)" : ")")
            + (wasDeserted ? ". No user was left: the run, or that part of a mix, ended there" : "")
    }
}

import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsWire
import Synchronization

/// One check's master and agent.
final class Stage: Sendable {
    let master: ScriptedMaster
    private let current: Mutex<AgentProcess>
    /// How the agent is started, and where it prints.
    private let command: String
    private let directory: String
    /// The program that speaks the dialect `messages`, with its arguments; nil when there is none.
    let messagesProgram: [String]?
    private let loop: EventLoop

    /// The run that checks start; one is enough for each.
    static let run = "conformance-1"
    /// Generous: the machine may be busy.
    static let patience = Duration.seconds(20)

    /// Starts the agent.
    init(
        master: ScriptedMaster, command: String, directory: String, messagesProgram: [String]?, loop: EventLoop
    ) throws(Deviation) {
        self.master = master
        self.command = command
        self.directory = directory
        current = Mutex(try AgentProcess(command: command, directory: directory))
        self.messagesProgram = messagesProgram
        self.loop = loop
    }

    var agent: AgentProcess { current.withLock { $0 } }

    /// Kills the agent as a crash would, and starts it again.
    func restartAgent() throws(Deviation) {
        agent.end()
        let next = try AgentProcess(command: command, directory: directory)
        current.withLock { $0 = next }
    }

    func pause(_ duration: Duration) async throws { try await loop.sleep(for: duration) }

    /// Waits until something holds.
    ///
    /// - Parameters:
    ///   - expected: What is waited for: `a hello`.
    ///   - patience: How long.
    ///   - found: Looks at what has come; nil is not yet.
    @discardableResult
    func expect<T: Sendable>(
        _ expected: String, within patience: Duration = Stage.patience,
        _ found: @Sendable (isolated ScriptedMaster) throws -> T?
    ) async throws -> T {
        let deadline = Instant.now.advanced(by: patience)
        while true {
            if let value = try await master.look(found) { return value }
            if let status = agent.exitStatus {
                throw Deviation(
                    expected: expected, came: "the agent ended with exit code \(status)\(quoted(agent.lastWords))")
            }
            if Instant.now >= deadline {
                throw Deviation(
                    expected: "\(expected) within \(patience)", came: await master.summary + quoted(agent.lastWords))
            }
            try await loop.sleep(for: .milliseconds(5))
        }
    }

    private func quoted(_ text: String) -> String { text.isEmpty ? "" : "; its last words: \(text)" }

    /// Waits for a control message, the `count`-th for which something holds.
    @discardableResult
    func hear<T: Sendable>(
        _ expected: String, count: Int = 1, since: Int = 0, within patience: Duration = Stage.patience,
        _ found: @escaping @Sendable (AgentMessage) -> T?
    ) async throws -> T {
        try await expect(expected, within: patience) { master in
            let matches = master.heard.dropFirst(since).lazy.compactMap { found($0.message) }
            return Array(matches.prefix(count)).count == count ? Array(matches.prefix(count))[count - 1] : nil
        }
    }

    /// How many control messages have come.
    var place: Int { get async { await master.heard.count } }

    @discardableResult
    func hello(since: Int = 0) async throws -> AgentHello {
        try await hear("a hello", since: since) { if case .hello(let hello) = $0 { hello } else { nil } }
    }

    /// Waits until the agent is welcome: its first beat.
    func welcomed() async throws {
        try await hear("a beat after the welcome") { if case .beat = $0 { true } else { nil } }
    }

    // MARK: Runs

    /// Orders a run of the kit's own script.
    func order(
        _ mode: String, _ arguments: [String] = [], run: String = Stage.run, plan: Plan = Stage.plan,
        files: [(path: String, content: [UInt8])] = []
    ) async throws {
        try await welcomed()
        var listed = [Script.file]
        await master.serve(Script.bytes, as: Script.file.hash)
        for file in files {
            let hash = SHA256.hexadecimal(of: file.content)
            await master.serve(file.content, as: hash)
            listed.append(.init(path: file.path, executable: false, bytes: file.content.count, hash: hash))
        }
        let launch = RunnerLaunch(
            program: .path("./" + Script.file.path), arguments: [mode] + arguments,
            environment: ["LOADS_CONFORMANCE": "a b"], dialect: .lines, files: listed)
        await send(launch, run: run, plan: plan)
    }

    func send(_ launch: RunnerLaunch, run: String = Stage.run, plan: Plan = Stage.plan) async {
        await master.say(
            .run(AgentOrder(run: run, launch: launch, order: RunnerOrder(plan: plan, waits: true))))
    }

    /// Two users, three iterations, numbered from 34.
    static let plan: Plan = {
        var plan = Plan(cycles: [.init(users: 2, amount: .iterations(3))])
        plan.firstUser = 34
        plan.grace = .seconds(5)
        plan.serverURL = "http://127.0.0.1:9"
        return plan
    }()

    func ready(run: String = Stage.run) async throws {
        let state = try await hear("status ready of run \(run)") { message -> AgentRunState? in
            guard case .status(run, let state) = message else { return nil }
            if case .preparing = state { return nil }
            return state
        }
        guard state == .ready else { throw Deviation(expected: "status ready", came: "\(state)") }
    }

    /// Starts the prepared run.
    ///
    /// - Returns: The instant that was told.
    @discardableResult
    func start(run: String = Stage.run, ahead: Duration = .milliseconds(500)) async throws -> Instant {
        try await ready(run: run)
        let at = Instant.now.advanced(by: ahead)
        await master.say(.start(run: run, at: at.nanoseconds))
        return at
    }

    /// Waits for the run's last result.
    @discardableResult
    func end(run: String = Stage.run, within patience: Duration = Stage.patience) async throws -> RunnerEnd {
        try await expect("the result `ended` of run \(run)", within: patience) { master in
            for result in master.results where result.message.run == run {
                if case .ended(let end) = result.message.content { return end }
            }
            return nil
        }
    }

    func finished(run: String = Stage.run, interrupted: Bool) async throws {
        let end = try await end(run: run)
        guard case .finished(interrupted, _) = end else {
            throw Deviation(expected: "ended: finished, interrupted \(interrupted)", came: "\(end)")
        }
    }

    /// Waits for a note that begins with something.
    @discardableResult
    func note(_ start: String, run: String = Stage.run) async throws -> String {
        try await expect("a note of the program that begins with \"\(start)\"") { master in
            for result in master.results where result.message.run == run {
                if case .note(let text)? = result.report, text.hasPrefix(start) {
                    return String(text.dropFirst(start.count))
                }
            }
            return nil
        }
    }

    /// The results of a run in order, each once.
    ///
    /// - Throws: ``Deviation`` when a number is missing, or one has come with two contents.
    func sequence(run: String = Stage.run) async throws -> [ScriptedMaster.Result] {
        var byNumber: [UInt64: ScriptedMaster.Result] = [:]
        for result in await master.results where result.message.run == run {
            let number = result.message.sequence
            if let known = byNumber[number], known.bytes != result.bytes {
                throw Deviation(expected: "result \(number) with the same bytes each time", came: "two contents")
            }
            byNumber[number] = result
        }
        let numbers = byNumber.keys.sorted()
        guard numbers == Array(1...UInt64(max(1, numbers.count))) else {
            throw Deviation(expected: "sequence numbers from 1 without a gap", came: "\(numbers.prefix(50))")
        }
        return numbers.map { byNumber[$0]! }
    }
}

extension ScriptedMaster {
    func look<T: Sendable>(_ found: @Sendable (isolated ScriptedMaster) throws -> T?) throws -> T? { try found(self) }

    /// What has come, for a person.
    var summary: String {
        if let fault = faults.first { return fault }
        if heard.isEmpty && results.isEmpty { return "nothing" }
        var kinds: [String: Int] = [:]
        for entry in heard { kinds[Self.kind(entry.message), default: 0] += 1 }
        for result in results { kinds["result \(Self.kind(result))", default: 0] += 1 }
        return kinds.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", ")
    }

    private static func kind(_ message: AgentMessage) -> String {
        switch message {
        case .hello: "hello"
        case .beat: "beat"
        case .status(_, .ready): "status ready"
        case .status(_, .preparing): "status preparing"
        case .status(_, .refused(let code, let text)): "status refused (\(code): \(text))"
        case .fetch: "fetch"
        case .goodbye: "goodbye"
        case .error(let fault): "error (\(fault.code): \(fault.message))"
        }
    }

    private static func kind(_ result: Result) -> String {
        switch (result.report, result.message.content) {
        case (.started?, _): "started"
        case (.batch?, _): "batch"
        case (.note?, _): "note"
        case (_, .ended(let end)): "ended (\(end))"
        case (_, .lost): "lost"
        default: "report"
        }
    }
}

import Glibc
import LoadsEventLoop
import LoadsTransport
import LoadsZeroMQ

/// Plays the master against any agent, and tells check by check whether it does what `Docs/WireProtocol.md` demands.
///
/// Each check has a master and an agent of its own, on the loopback.
public struct Conformance: Sendable {
    /// How the agent is started, as a shell takes it. ` --master tcp://127.0.0.1:PORT` is appended.
    public var command: String
    /// The program and arguments of a runner that speaks the dialect `messages` and runs iterations that are ok; nil
    /// leaves that check out.
    public var messagesProgram: [String]?
    /// Whether the agent takes ` --keys DIR` and ` --id ID`: then it is checked over CURVE, too.
    public var keys: Bool
    /// Whether the agent takes ` --data DIR`: then it is killed and started again, too.
    public var data: Bool

    /// - Parameter command: What starts the agent; ` --master …` is put behind it.
    public init(command: String, messagesProgram: [String]? = nil, keys: Bool = false, data: Bool = false) {
        self.command = command
        self.messagesProgram = messagesProgram
        self.keys = keys
        self.data = data
    }

    /// The names of all checks, in their order.
    public static var names: [String] { Checks.all.map(\.name) }

    /// Runs the checks whose names contain a text.
    ///
    /// - Parameters:
    ///   - text: Empty is all of them. Case does not matter.
    ///   - jobs: How many at a time, at least 1: most of a check is waiting.
    ///   - told: Called with each result, in the order of the checks.
    /// - Returns: All results.
    @discardableResult
    public func run(
        matching text: String = "", jobs: Int = 4, _ told: @Sendable (CheckResult) -> Void = { _ in }
    ) async -> [CheckResult] {
        let checks = Checks.all.filter { text.isEmpty || $0.name.lowercased().contains(text.lowercased()) }
        return await withTaskGroup(of: (Int, CheckResult).self) { group in
            var results: [CheckResult] = []
            var early: [Int: CheckResult] = [:]
            var next = 0
            func add() {
                guard next < checks.count else { return }
                let index = next
                next += 1
                group.addTask { (index, await run(checks[index])) }
            }
            for _ in 0..<max(1, jobs) { add() }
            for await (index, result) in group {
                add()
                early[index] = result
                while let result = early.removeValue(forKey: results.count) {
                    told(result)
                    results.append(result)
                }
            }
            return results
        }
    }

    private func run(_ check: Check) async -> CheckResult {
        let start = Instant.now
        let outcome: CheckResult.Outcome
        if !keys, check.keys == .right || check.keys == .wrong {
            outcome = .skipped("keys are not asked for")
        } else if !data, check.data {
            outcome = .skipped("a data directory is not asked for")
        } else {
            outcome = await perform(check)
        }
        return CheckResult(
            name: check.name, chapter: check.chapter, outcome: outcome,
            seconds: Double(Instant.now.nanoseconds(since: start)) / 1e9)
    }

    private func perform(_ check: Check) async -> CheckResult.Outcome {
        let loop = EventLoop(name: "loads-conform")
        var stage: Stage?
        var master: ScriptedMaster?
        var outcome: CheckResult.Outcome
        do {
            let directory = try TemporaryFolder()
            defer { directory.remove() }
            let folders = try check.keys == .none ? nil : KeySet(check.keys, in: directory.path)
            let scripted = ScriptedMaster(loop: loop, rules: check.rules) { loop, addresses in
                try ZeroMQMaster(
                    control: addresses.control, results: addresses.results, stream: addresses.stream,
                    keys: folders.map { try MasterKeys(directory: $0.master) }, on: loop)
            }
            master = scripted
            let addresses = try await scripted.open()
            var line = "\(command) --master \(addresses.control)"
            if let folder = folders?.agent { line += " --keys '\(folder)' --id \(KeySet.agentName)" }
            if check.data { line += " --data '\(directory.path)/data'" }
            let made = try Stage(
                master: scripted, command: line, directory: directory.path, messagesProgram: messagesProgram, loop: loop
            )
            stage = made
            defer { made.agent.end() }
            try await check.body(made)
            outcome = .ok
            if let fault = await scripted.faults.first {
                outcome = .failed(expected: "messages that decode", came: fault)
            }
        } catch let deviation as Deviation {
            outcome = .failed(expected: deviation.expected, came: deviation.came)
        } catch let reason as NotApplicable {
            outcome = .skipped(reason.reason)
        } catch {
            outcome = .failed(expected: "a check that can be made", came: "\(error)")
        }
        stage?.agent.end()
        await master?.close()
        await loop.shutdown()
        return outcome
    }
}

/// The keys of one check.
private struct KeySet {
    static let agentName = "conformance"
    /// The master's folder.
    var master: String
    /// The agent's; nil when it is to have none.
    var agent: String?

    init(_ keys: Keys, in directory: String) throws {
        master = directory + "/keys"
        _ = try KeyFolders.makeMaster(master)
        switch keys {
        case .none, .missing: agent = nil
        case .right:
            agent = try KeyFolders.addPeer(Self.agentName, role: .agent, to: master, output: directory + "/agent")
        case .wrong:
            // A pair from elsewhere, and the right master's public key.
            let stranger = directory + "/stranger"
            _ = try KeyFolders.makeMaster(stranger)
            let folder = try KeyFolders.addPeer(
                Self.agentName, role: .agent, to: stranger, output: directory + "/agent")
            unlink(folder + "/master.public")
            guard link(master + "/master.public", folder + "/master.public") == 0 else {
                throw Deviation(expected: "a folder of keys", came: String(cString: strerror(errno)))
            }
            agent = folder
        }
    }
}

/// A folder of one check's own.
private struct TemporaryFolder {
    let path: String

    init() throws(Deviation) {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/loads-conformance-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Deviation(expected: "a folder in \(base)", came: String(cString: strerror(errno)))
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes it with everything in it.
    func remove() { Self.remove(path) }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard name != ".", name != ".." else { continue }
                if entry.pointee.d_type == UInt8(DT_DIR) {
                    remove("\(path)/\(name)")
                } else {
                    unlink("\(path)/\(name)")
                }
            }
        }
        rmdir(path)
    }
}

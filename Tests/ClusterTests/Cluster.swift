import Foundation
import TestSupport

/// A master and its agents as processes of their own, and `loads` as their client.
final class Cluster: Sendable {
    let directory: TemporaryDirectory
    let control: Int
    let results: Int
    let stream: Int
    /// The folder with everybody's keys, if there are any.
    let keys: String?
    /// The host that the master listens on.
    let host: String

    var address: String { "tcp://\(host):\(control)" }

    /// - Parameters:
    ///   - keys: Whether everything is encrypted and authenticated.
    ///   - host: Where the master listens; keys are needed beyond loopback.
    init(keys: Bool = false, host: String = "127.0.0.1") async throws {
        directory = try TemporaryDirectory(prefix: "cluster")
        (control, results, stream) = (try Ports.free(), try Ports.free(), try Ports.free())
        self.host = host
        self.keys = keys ? directory.path + "/keys" : nil
        if let folder = self.keys {
            try await Self.loads(["keys", "master", "--dir", folder + "/master"])
        }
    }

    // MARK: Programs

    /// A program as it was built: beside the one that `bin/test` names, or beside the tests.
    static func binary(_ name: String) -> String {
        let environment = ProcessInfo.processInfo.environment
        let sibling =
            environment["LOADS_TEST_BINARY"]
            ?? ((try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "")
        return URL(filePath: sibling).deletingLastPathComponent().appending(path: name).path
    }

    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let blog = repository + "/Examples/Blog"
    static let shop = repository + "/Examples/Shop"
    static let site = repository + "/Tests/Fixtures/Site"

    @discardableResult
    static func loads(_ arguments: [String]) async throws -> ChildProcess.Outcome {
        let outcome = try await ChildProcess.run([binary("loads")] + arguments, timeout: .seconds(600))
        guard outcome.status == 0 else {
            throw SupportError("loads \(arguments) ended with \(outcome.status)\n\(outcome.output)\(outcome.errors)")
        }
        return outcome
    }

    /// The folder with a peer's keys, made at the first call.
    func keyFolder(_ role: String, _ name: String) async throws -> String? {
        guard let keys else { return nil }
        let folder = "\(keys)/\(role)-\(name)"
        if !FileManager.default.fileExists(atPath: folder) {
            try await Self.loads(["keys", role, name, "--dir", keys + "/master", "--out", folder])
        }
        return folder
    }

    /// Starts the master; its data outlive it.
    ///
    /// - Parameters:
    ///   - prefix: What starts it: `ip netns exec NAME`.
    ///   - data: Its data folder.
    func startMaster(
        _ extra: [String] = [], prefix: [String] = [], data: String? = nil
    ) async throws -> ChildProcess {
        var arguments =
            prefix + [
                Self.binary("loads-master"), "--control", "tcp://\(host):\(control)", "--results",
                "tcp://\(host):\(results)", "--stream", "tcp://\(host):\(stream)", "--data",
                data ?? directory.path + "/master",
            ]
        if let keys { arguments += ["--keys", keys + "/master"] }
        let process = try ChildProcess(arguments + extra)
        try await process.wait(for: "readiness") { process.output.hasPrefix("ready ") }
        return process
    }

    /// Starts an agent and waits until it is welcome.
    func startAgent(
        _ name: String, _ extra: [String] = [], prefix: [String] = [], waits: Bool = true
    ) async throws -> ChildProcess {
        var arguments =
            prefix + [
                Self.binary("loads-agent"), "--master", address, "--name", name, "--id", name, "--data",
                directory.path + "/" + name,
            ]
        if let folder = try await keyFolder("agent", name) { arguments += ["--keys", folder] }
        let process = try ChildProcess(arguments + extra)
        if waits { try await process.wait(for: "welcome") { process.output.hasPrefix("ready ") } }
        return process
    }

    /// The arguments that make `loads` a client of this master.
    func clientArguments() async throws -> [String] {
        var arguments = ["--master", address]
        if let folder = try await keyFolder("client", "me") { arguments += ["--keys", folder] }
        return arguments
    }

    /// Starts `loads` as a client. What follows `--` is a command for the agents.
    func startLoads(_ arguments: [String], prefix: [String] = []) async throws -> ChildProcess {
        let place = arguments.firstIndex(of: "--") ?? arguments.endIndex
        return try ChildProcess(
            prefix + [Self.binary("loads")] + arguments[..<place] + (try await clientArguments()) + arguments[place...])
    }

    /// Runs `loads` as a client, to its end.
    func loads(_ arguments: [String], prefix: [String] = []) async throws -> ChildProcess.Outcome {
        try await startLoads(arguments, prefix: prefix).outcome(timeout: .seconds(600))
    }

    /// What `loads status --json` says.
    func status(prefix: [String] = []) async throws -> [String: Any] {
        let outcome = try await loads(["status", "--json"], prefix: prefix)
        guard outcome.status == 0 else { throw SupportError("status: \(outcome.status) \(outcome.errors)") }
        return try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any] ?? [:]
    }

    /// Waits until the status is as wanted.
    func wait(
        for what: String, timeout: Duration = .seconds(60), _ condition: ([String: Any]) -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + timeout
        while true {
            let isLate = ContinuousClock.now > deadline
            let status = try await status()
            if condition(status) { return }
            if isLate { throw SupportError("no \(what) within \(timeout): \(status)") }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}

/// What a run wrote with `--json`.
struct RunSummary {
    let object: [String: Any]

    init(_ path: String) throws {
        let data = try Data(contentsOf: URL(filePath: path))
        object = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    func number(_ path: String) -> Int? {
        (path.split(separator: ".").reduce(object as Any?) { ($0 as? [String: Any])?[String($1)] } as? NSNumber)?
            .intValue
    }

    /// When its users started.
    var started: Date {
        get throws {
            let text = (object["run"] as? [String: Any])?["started"] as? String ?? ""
            guard let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) else {
                throw SupportError("the summary says \"\(text)\" of its start")
            }
            return date
        }
    }

    func agent(_ id: String) -> [String: Any] { agents.first { $0["id"] as? String == id } ?? [:] }
    var agents: [[String: Any]] { object["agents"] as? [[String: Any]] ?? [] }
    /// Users by agent.
    var users: [String: Int] {
        Dictionary(
            agents.map { ($0["id"] as? String ?? "", $0["users"] as? Int ?? -1) },
            uniquingKeysWith: { first, _ in first })
    }
}

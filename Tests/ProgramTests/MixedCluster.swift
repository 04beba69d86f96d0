import Foundation
import TestSupport
import Testing

/// A master with an agent in each of some languages, as processes.
struct MixedCluster {
    /// Where clients connect.
    let control: String
    private let master: ChildProcess
    /// By language.
    let agents: [String: ChildProcess]
    private let keys: Keys?

    init(
        in directory: TemporaryDirectory, languages: [String] = ["swift", "python", "node"], encrypted: Bool = false
    ) async throws {
        keys = encrypted ? try await Keys(in: directory.path) : nil
        master = try ChildProcess(
            [Clients.built("loads-master")]
                + ["control", "results", "stream"].flatMap { ["--\($0)", "tcp://127.0.0.1:0"] }
                + (keys?.master ?? []))
        try await master.wait(for: "line that it is ready") { [master] in master.output.contains("ready ") }
        control = String(
            try #require(master.output.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("control=") })
                .dropFirst("control=".count))
        var agents: [String: ChildProcess] = [:]
        for id in languages {
            let command =
                switch id {
                case "swift": [Clients.built("loads-agent")]
                case "python": try Clients.pythonAgent()
                default: Clients.nodeAgent
                }
            let options = ["--master", control, "--id", id, "--data", "\(directory.path)/\(id)"]
            agents[id] = try ChildProcess(
                command + options + (try await keys?.peer("agent", id) ?? []), environment: Clients.environment)
        }
        for agent in agents.values {
            try await agent.wait(for: "line that it is ready") { agent.output.contains("ready ") }
        }
        self.agents = agents
    }

    /// The options with which a client comes in.
    func client() async throws -> [String] { try await keys?.peer("client", "me") ?? [] }

    /// `loads COMMAND` at this master.
    func loads(_ command: String, _ arguments: [String]) async throws -> ChildProcess.Outcome {
        try await Program.run([command, "--master", control] + (try await client()) + arguments)
    }

    func stop() async {
        for agent in agents.values { await agent.stop() }
        await master.stop()
    }

    /// The keys of a master and its peers.
    private struct Keys {
        private let folder: String

        init(in directory: String) async throws {
            folder = directory + "/keys"
            try await ChildProcess.succeed([Program.path, "keys", "master", "--dir", folder])
        }

        var master: [String] { ["--keys", folder] }

        /// The options of a peer; its pair is made.
        func peer(_ role: String, _ name: String) async throws -> [String] {
            let own = "\(folder)-\(role)-\(name)"
            try await ChildProcess.succeed([Program.path, "keys", role, name, "--dir", folder, "--out", own])
            return ["--keys", own]
        }
    }
}

import Foundation
import TestSupport
import Testing

/// One run on agents in three languages.
@Suite struct MixedRunTests {
    @Test(arguments: ["python", "node", "url"], [false, true])
    func agentsInThreeLanguagesShareARun(_ target: String, encrypted: Bool) async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let keys = encrypted ? try await Keys(in: directory.path) : nil
        let master = try ChildProcess(
            [Clients.built("loads-master")]
                + ["control", "results", "stream"].flatMap { ["--\($0)", "tcp://127.0.0.1:0"] }
                + (keys?.master ?? []))
        try await master.wait(for: "line that it is ready") { master.output.contains("ready ") }
        let control = try #require(
            master.output.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("control=") }
        )
        .dropFirst("control=".count)
        var agents: [ChildProcess] = []
        for (id, command) in [
            ("swift", [Clients.built("loads-agent")]), ("python", try Clients.pythonAgent()),
            ("node", Clients.nodeAgent),
        ] {
            let options = ["--master", String(control), "--id", id, "--data", "\(directory.path)/\(id)"]
            agents.append(
                try ChildProcess(
                    command + options + (try await keys?.peer("agent", id) ?? []), environment: Clients.environment))
        }
        for agent in agents {
            try await agent.wait(for: "line that it is ready") { agent.output.contains("ready ") }
        }

        let json = directory.path + "/summary.json"
        let what =
            switch target {
            case "python":
                ["--server-url", nginx.url, "--", try Clients.python(), Clients.path + "/python/examples/checkout.py"]
            case "node": ["--server-url", nginx.url, "--", "node", Clients.path + "/node/examples/checkout.mjs"]
            default: [nginx.url + "/"]
            }
        let outcome = try await Program.run(
            ["run", "--master", String(control), "-c", "10", "-n", "20", "--json", json]
                + (try await keys?.peer("client", "me") ?? []) + what)
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")

        // The examples make two requests an iteration, a URL is one: the target's own log has the last word.
        let each = target == "url" ? 20 : 40
        let log = try await nginx.accessLog(atLeast: 10 * each)
        #expect(log.count == 10 * each)
        let written = try Written(json: json)
        #expect(try written.number("hits.count") == Double(10 * each))
        #expect(try written.number("iterations.ok") == 200)
        let shares = try written.list("agents")
        #expect(shares.compactMap { $0["id"] as? String }.sorted() == ["node", "python", "swift"])
        #expect(shares.compactMap { $0["users"] as? Int }.sorted() == [3, 3, 4])
        for share in shares {
            let users = try #require(share["users"] as? Int)
            #expect(share["hits"] as? Int == users * each, "\(share)")
        }
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
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

import Foundation
import TestSupport
import Testing

/// Agents in three languages in one run, everything encrypted.
@Suite struct MixedKeysTests {
    @Test func agentsInThreeLanguagesShareARunWithKeys() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster(keys: true)
        let master = try await cluster.startMaster()
        let clients = Cluster.repository + "/Clients"
        let python = ProcessInfo.processInfo.environment["LOADS_TEST_CLIENTS_PYTHON"] ?? "python3"
        var agents = [try await cluster.startAgent("swift")]
        for (name, command) in [
            ("python", [python, "-m", "loads.agent"]), ("node", ["node", clients + "/node/bin/loads-agent.mjs"]),
        ] {
            let keys = try #require(try await cluster.keyFolder("agent", name))
            agents.append(
                try ChildProcess(
                    command + ["--master", cluster.address, "--id", name, "--keys", keys],
                    environment: ["PYTHONPATH": clients + "/python", "PYTHONDONTWRITEBYTECODE": "1"]))
            try await agents.last!.wait(for: "welcome") { agents.last!.output.contains("ready ") }
        }
        let json = cluster.directory.path + "/summary.json"
        let outcome = try await ChildProcess.run(
            [Cluster.binary("loads"), "run", "-c", "10", "-n", "20", "--server-url", nginx.url, "--json", json]
                + (try await cluster.clientArguments()) + ["--", python, clients + "/python/examples/checkout.py"])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)\(master.errors)")
        // Two requests an iteration.
        #expect(try await nginx.accessLog(atLeast: 400).count == 400)
        let summary = try RunSummary(json)
        #expect(summary.number("hits.count") == 400)
        #expect(summary.users.keys.sorted() == ["node", "python", "swift"])
        #expect(summary.users.values.sorted() == [3, 3, 4])
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
    }
}

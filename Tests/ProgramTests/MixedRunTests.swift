import Foundation
import TestSupport
import Testing

/// One run on agents in three languages.
@Suite struct MixedRunTests {
    @Test(arguments: ["python", "node"]) func agentsInThreeLanguagesShareARun(_ language: String) async throws {
        let nginx = try await Nginx()
        let master = try ChildProcess(
            [Clients.built("loads-master")]
                + ["control", "results", "stream"].flatMap { ["--\($0)", "tcp://127.0.0.1:0"] })
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
            agents.append(
                try ChildProcess(
                    command + ["--master", String(control), "--id", id], environment: Clients.environment))
        }
        for agent in agents {
            try await agent.wait(for: "line that it is ready") { agent.output.contains("ready ") }
        }

        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let program =
            language == "python"
            ? [try Clients.python(), Clients.path + "/python/examples/checkout.py"]
            : ["node", Clients.path + "/node/examples/checkout.mjs"]
        let outcome = try await Program.run(
            [
                "run", "--master", String(control), "-c", "10", "-n", "20", "--server-url", nginx.url, "--json", json,
                "--",
            ]
                + program)
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")

        // Two requests an iteration: the target's own log has the last word.
        let log = try await nginx.accessLog(atLeast: 400)
        #expect(log.count == 400)
        let written = try Written(json: json)
        #expect(try written.number("hits.count") == 400)
        #expect(try written.number("iterations.ok") == 200)
        let shares = try written.list("agents")
        #expect(shares.compactMap { $0["id"] as? String }.sorted() == ["node", "python", "swift"])
        #expect(shares.compactMap { $0["users"] as? Int }.sorted() == [3, 3, 4])
        for share in shares {
            let users = try #require(share["users"] as? Int)
            #expect(share["hits"] as? Int == users * 40, "\(share)")
        }
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
    }
}

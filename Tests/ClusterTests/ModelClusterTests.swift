import Foundation
import TestSupport
import Testing

/// Rates and mixes on several agents: together they are the plan, whatever happens.
@Suite(.serialized) struct ModelClusterTests {
    private struct Run {
        var outcome: ChildProcess.Outcome
        var summary: RunSummary
        /// Requests, as the target has them.
        var log: [String]
    }

    /// Runs on agents, one of which may be told what cores it has.
    private func run(
        _ arguments: [String], agents names: [[String]] = [[], []], target: String? = "/", requests: Int,
        master options: [String] = [], meanwhile: (Cluster, Nginx, [ChildProcess]) async throws -> Void = { _, _, _ in }
    ) async throws -> Run {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster(options)
        var agents: [ChildProcess] = []
        for (index, prefix) in names.enumerated() {
            agents.append(try await cluster.startAgent("a\(index + 1)", prefix: prefix))
        }
        let json = cluster.directory.path + "/summary.json"
        let place = target.map { [nginx.url + $0] } ?? ["--server-url", nginx.url]
        let loads = try await cluster.startLoads(["run", "--json", json] + place + arguments)
        try await meanwhile(cluster, nginx, agents)
        let outcome = try await loads.outcome(timeout: .seconds(600))
        try #require(FileManager.default.fileExists(atPath: json), "\(outcome.output)\(outcome.errors)")
        let summary = try RunSummary(json)
        let log = try await nginx.accessLog(atLeast: max(requests, summary.number("hits.requests") ?? 0))
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
        return Run(outcome: outcome, summary: summary, log: log)
    }

    private func isRunning(_ cluster: Cluster) async throws -> String {
        var name: String?
        try await cluster.wait(for: "running") { status in
            let run = (status["runs"] as? [[String: Any]])?.first { $0["state"] as? String == "running" }
            name = run?["id"] as? String
            return name != nil
        }
        return try #require(name)
    }

    /// Three agents, one of them with a core less where there are several.
    @Test(arguments: [
        (["--rate", "200/s", "-d", "2s"], 400),
        // A ramp of 100, 37 for a while, and again.
        (["--stages", "1s:200/s,500ms:74/s,500ms:0", "--repeat", "2"], 374),
        (["--rate", "199/m", "-d", "3s", "--ramp-up", "1s"], 9),
    ])
    func threeAgentsOfDifferentSizesAreThePlanExactly(_ options: [String], _ count: Int) async throws {
        var cores: [String: Int] = [:]
        let run = try await run(
            ["--weighted"] + options, agents: [["taskset", "-c", "0"], [], []], requests: count
        ) { cluster, _, _ in
            for agent in try await cluster.status()["agents"] as? [[String: Any]] ?? [] {
                cores[agent["id"] as? String ?? ""] = agent["cores"] as? Int
            }
        }
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.log.count == count)
        for path in ["arrivals.planned", "arrivals.started", "iterations.ok", "hits.count"] {
            #expect(run.summary.number(path) == count, "\(path)")
        }
        #expect(run.summary.number("arrivals.dropped") == 0)
        let sum = cores.values.reduce(0, +)
        #expect(cores.count == 3 && cores["a1"] == 1, "\(cores)")
        for (agent, own) in cores {
            let hits = try #require(run.summary.agent(agent)["hits"] as? Int)
            // A stripe has its share of any stretch of the arrivals but for a few.
            #expect(abs(Double(hits) - Double(count * own) / Double(max(1, sum))) <= 4, "\(agent): \(hits) of \(count)")
        }
    }

    @Test func poissonArrivalsOfThreeAgentsComeAtTheirRate() async throws {
        // A seed, so that chance gives the three of them different numbers each time or never.
        let run = try await run(
            ["--rate", "400/s", "-d", "2s", "--poisson", "--seed", "7"], agents: [[], [], []], requests: 500)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        let planned = try #require(run.summary.number("arrivals.planned"))
        // 800 with a standard deviation of 28, and not three times the same ones.
        #expect(abs(planned - 800) < 170)
        #expect(run.summary.number("hits.count") == planned)
        #expect(Set(run.summary.agents.map { $0["hits"] as? Int }).count > 1)
    }

    @Test func aRateThatIsAdjustedHoldsOnAllAgentsFromOneInstantOn() async throws {
        let run = try await run(["--rate", "10/s", "-d", "12s"], requests: 200) { cluster, _, _ in
            let name = try await isRunning(cluster)
            let adjusted = try await cluster.loads(["adjust", name, "--rate", "400/s"])
            #expect(adjusted.status == 0, "\(adjusted.errors)")
        }
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        let plan = try #require(run.summary.object["plan"] as? [String: Any])
        let change = try #require((plan["adjusted"] as? [[String: Any]])?.first)
        #expect(change["rate"] as? String == "400/s")
        let time = try #require((change["at_s"] as? NSNumber)?.doubleValue)
        let planned = try #require(run.summary.number("arrivals.planned"))
        #expect(abs(Double(planned) - (10 * time + 400 * (12 - time))) <= 3, "\(planned), adjusted at \(time) s")
        #expect(run.log.count == planned && run.summary.number("hits.count") == planned)
        // The 100 users of 10/s would not do for iterations of a second at 400/s.
        #expect(run.summary.users.values.reduce(0, +) == 4000, "\(run.summary.users)")
    }

    /// An agent that is killed leaves its arrivals to the other, or they are missing and said to be, or the run ends there.
    @Test(arguments: ["redistribute", "continue", "stop"]) func arrivalsOfALostAgent(_ policy: String) async throws {
        let run = try await run(
            ["--rate", "40/s", "-d", "20s", "--on-lost", policy], requests: policy == "stop" ? 40 : 400,
            master: ["--lost-after", "7s"]
        ) { cluster, nginx, agents in
            _ = try await isRunning(cluster)
            _ = try await nginx.accessLog(atLeast: 40)
            agents[1].kill(SIGKILL)
        }
        let hits = try #require(run.summary.number("hits.count"))
        let kept = try #require(run.summary.agent("a1")["hits"] as? Int)
        #expect(run.summary.agent("a2")["state"] as? String == "lost", "\(run.summary.agents)")
        #expect(hits < 800 && hits <= run.log.count)
        #expect(run.outcome.status == (policy == "stop" ? 71 : 0), "\(run.outcome.output)\(run.outcome.errors)")
        switch policy {
        case "redistribute":
            // All of its own, which are half of them, and more.
            #expect(kept > 420, "\(kept)")
            #expect(run.outcome.errors.contains("the share of a2 was given to the others"), "\(run.outcome.errors)")
        case "continue": #expect((398...402).contains(kept), "\(kept)")
        default:
            // It ends well before its plan does, and says why; what was measured until then is all there.
            #expect(kept > 20 && kept < 398, "\(kept)")
            let reason = "a2 was lost, and --on-lost stop ends the run then"
            #expect(run.outcome.output.contains(reason), "\(run.outcome.output)\(run.outcome.errors)")
            let crash = run.summary.object["crash"] as? [String: Any]
            #expect(crash?["reason"] as? String == reason, "\(run.summary.object)")
            // But for arrivals whose requests were on their way when the agent was killed: those of a second, had the machine
            // stood still for so long.
            let started = try #require(run.summary.number("arrivals.started"))
            #expect((hits...hits + 20).contains(started) && run.summary.number("iterations.interrupted") == 0)
        }
        #expect(run.summary.number("arrivals.dropped") == 0)
        let verdict = try #require(run.summary.object["verdict"] as? [String: Any])
        #expect(verdict["kind"] as? String == "incomplete", "\(verdict)")
    }

    @Test func aMixOnTwoAgentsHasTheArrivalsAndUsersOfItsScenarios() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            package: \(Cluster.site)
            scenarios:
              - target: SiteTests.Pages/front
                rate: 50/s
                duration: 2s
              - target: SiteTests.Pages/large
                users: 3
                iterations: 5
                start: 500ms
            """, to: "loads.yml")
        let run = try await run(["--config", file], target: nil, requests: 115)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.log.count == 115 && run.log.count { $0.contains("/large") } == 15)
        #expect(run.summary.number("arrivals.planned") == 100 && run.summary.number("iterations.ok") == 115)
        let scenarios = try #require(run.summary.object["scenarios"] as? [[String: Any]])
        #expect(scenarios.map { $0["name"] as? String } == ["SiteTests.Pages/front", "SiteTests.Pages/large"])
        #expect(scenarios.map { ($0["iterations"] as? [String: Int])?["ok"] } == [100, 15])
        #expect((scenarios[0]["arrivals"] as? [String: Int])?["planned"] == 100)
        #expect(run.summary.agents.allSatisfy { ($0["hits"] as? Int ?? 0) > 40 }, "\(run.summary.agents)")
    }
}

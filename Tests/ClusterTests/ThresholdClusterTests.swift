import Foundation
import TestSupport
import Testing

/// Thresholds on a master and agents that are processes of their own.
@Suite(.serialized) struct ThresholdClusterTests {
    @Test func theMasterStopsARunOnAllAgentsAndEveryWatcherSeesWhy() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agents = [try await cluster.startAgent("a1"), try await cluster.startAgent("a2")]
        let json = cluster.directory.path + "/summary.json"
        let run = try await cluster.startLoads([
            "run", nginx.url + "/", "-c", "4", "-d", "10m", "--think", "5ms", "--json", json, "--expect",
            "hits < 50 abort", "--expect", "errors == 0", "--expect", "p95 < 10m over 1s",
        ])
        let outcome = try await run.outcome(timeout: .seconds(120))
        #expect(outcome.status == 3, "\(outcome.output)\(outcome.errors)\(master.errors)")
        #expect(outcome.errors.contains("hits < 50 abort is breached: "), "\(outcome.errors)")
        let summary = try RunSummary(json)
        let thresholds = summary.object["thresholds"] as? [[String: Any]] ?? []
        #expect(thresholds.map { $0["passed"] as? Bool } == [false, true, true])
        #expect(thresholds.first?["aborted"] as? Bool == true)
        // What it is judged by is what all agents have made together.
        #expect((thresholds.first?["actual"] as? Double).map { Int($0) } == summary.number("hits.count"))
        #expect(summary.agents.count == 2)

        let id = try #require((summary.object["run"] as? [String: Any])?["id"] as? String)
        let logs = try await cluster.loads(["logs", id])
        #expect(logs.output.contains("hits < 50 abort is breached"), "\(logs.output)")
        #expect(logs.output.contains("the threshold hits < 50 abort stops the run"))
        let attached = try await cluster.loads(["attach", id])
        #expect(attached.status == 3)
        #expect(attached.output.contains("stopped by the threshold hits < 50 abort"), "\(attached.output)")
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
    }

    @Test func whatIsJudgedProvisionallyStopsNoRunAndIsJudgedAgain() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agents = [try await cluster.startAgent("a1"), try await cluster.startAgent("a2")]
        let json = cluster.directory.path + "/summary.json"
        // Each of the two makes half of them. Of the 800 of a window so many may come late as are due in four seconds: it is
        // still kept then, and with those of one agent alone it is not.
        let run = try await cluster.startLoads([
            "run", nginx.url + "/", "--rate", "80/s", "-d", "35s", "--json", json, "--expect",
            "hits >= 450 over 10s abort",
            "--expect", "hits == 2800",
        ])
        try await run.wait(for: "some hits of both") { nginx.accessLog().count >= 160 }
        // Its runner goes on, and what it measures waits.
        agents[1].signal(SIGSTOP)
        try await run.wait(for: "a provisional breach", timeout: .seconds(120)) {
            run.errors.contains("provisionally: an agent has not delivered everything")
        }
        agents[1].signal(SIGCONT)
        let outcome = try await run.outcome(timeout: .seconds(120))
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)\(master.errors)")
        #expect(outcome.errors.contains("hits >= 450 over 10s abort is kept again"), "\(outcome.errors)")
        let summary = try RunSummary(json)
        let thresholds = summary.object["thresholds"] as? [[String: Any]] ?? []
        #expect(thresholds.map { $0["passed"] as? Bool } == [true, true], "\(thresholds)")
        #expect(thresholds.first?["aborted"] as? Bool == false && thresholds.first?["broken_windows"] as? Int == 0)
        // One that ends at each second from the tenth on.
        #expect(thresholds.first?["windows"] as? Int == 26)
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
    }

    @Test func aMasterThatIsKilledGoesOnJudgingWhatWasBefore() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agent = try await cluster.startAgent("a1")
        let json = cluster.directory.path + "/summary.json"
        let run = try await cluster.startLoads([
            "run", nginx.url + "/", "-c", "2", "-d", "12s", "--think", "10ms", "--json", json, "--expect",
            "hits > 100", "--expect", "rate > 100000/s over 1s", "--expect", "rate > 1/s over 8s", "--expect",
            "p95(nobody) < 1s",
        ])
        try await run.wait(for: "a breach") { run.errors.contains("rate > 100000/s over 1s is breached") }
        try await Task.sleep(for: .seconds(1))
        await master.killed()
        try await Task.sleep(for: .seconds(1))
        let revived = try await cluster.startMaster()
        let outcome = try await run.outcome(timeout: .seconds(120))
        #expect(outcome.status == 3, "\(outcome.output)\(outcome.errors)")
        let summary = try RunSummary(json)
        let thresholds = summary.object["thresholds"] as? [[String: Any]] ?? []
        #expect(thresholds.map { $0["passed"] as? Bool } == [true, false, true, nil], "\(thresholds)")
        #expect((thresholds.first?["actual"] as? Double).map { Int($0) } == summary.number("hits.count"))
        // All windows of the run, also those from before the end of the first master.
        let windows = try #require(thresholds[1]["windows"] as? Int)
        #expect((11...12).contains(windows), "\(thresholds[1])")
        #expect(thresholds[1]["breached_at_s"] as? Int == 1)
        // And what is over is told by another master as it came out.
        await revived.stop()
        let last = try await cluster.startMaster()
        let id = try #require((summary.object["run"] as? [String: Any])?["id"] as? String)
        let attached = try await cluster.loads(["attach", id, "--strict"])
        #expect(attached.status == 4, "a name that nothing bears is not put up with: \(attached.output)")
        #expect(attached.output.contains("? p95(nobody) < 1s"))
        await agent.stop()
        await last.stop()
        await nginx.stop()
    }

    @Test func sizeTriesItsLoadsOnTheAgents() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agents = [try await cluster.startAgent("a1"), try await cluster.startAgent("a2")]
        let json = cluster.directory.path + "/size.json"
        let outcome = try await cluster.loads([
            "size", nginx.url + "/", "--agents", "2", "--to", "4", "-c", "2", "-d", "2s", "--think", "50ms", "--expect",
            "p95 < 10s", "--json", json,
        ])
        let size = try RunSummary(json)
        let steps = size.object["steps"] as? [[String: Any]] ?? []
        #expect(steps.first?["load"] as? Int == 2, "\(outcome.errors)")
        if size.object["limit"] as? String == "range" {
            #expect(outcome.status == 0)
            #expect(size.object["found"] as? Int == 4)
            // What the generator was too busy for is tried again.
            let loads = steps.compactMap { $0["load"] as? Int }
            #expect(loads.suffix(2) == [4, 4] && Set(loads) == [2, 4] && loads == loads.sorted(), "\(loads)")
        } else {
            // A machine that is busy with other things.
            #expect(size.object["limit"] as? String == "generator", "\(outcome.output)")
        }
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
    }
}

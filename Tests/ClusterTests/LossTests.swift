import Foundation
import TestSupport
import Testing

/// Agents that are killed or told to end, with a master that gives them up after seconds: not so few that one would be that
/// only waits for its turn on this machine.
@Suite(.serialized) struct LossTests {
    @Test func usersOfAKilledAgentRunElsewhere() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster(["--lost-after", "8s"])
        let (first, second) = (try await cluster.startAgent("a1"), try await cluster.startAgent("a2"))
        var (delivered, served) = (Delivered(served: 0, time: 0), 0)
        let outcome = try await cluster.run(
            nginx, duration: "30s", ["--on-lost", "redistribute", "--stream", cluster.hitFile]
        ) {
            delivered = try await cluster.delivered(nginx, users: 10)
            await second.killed()
            served = nginx.accessLog().count
            // All ten are on the one that is left, long before the end.
            try await cluster.wait(for: "users elsewhere") { status in
                (status["runs"] as? [[String: Any]])?.contains { $0["users"] as? Int == 10 } ?? false
                    && (status["agents"] as? [[String: Any]])?.contains { $0["state"] as? String == "lost" } ?? false
            }
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.summary.users == ["a1": 10, "a2": 5])
        #expect(outcome.summary.agent("a2")["state"] as? String == "lost")
        #expect(outcome.summary.agent("a1")["missing"] == nil)
        try outcome.expectOnlyTheLastMoments(of: "a2", after: delivered, death: served)
        await first.stop()
        await master.stop()
        await nginx.stop()
    }

    @Test func anAgentThatIsKilledAndStartedAgainDeliversWhatItHad() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let (first, second) = (try await cluster.startAgent("a1"), try await cluster.startAgent("a2"))
        var again: ChildProcess?
        let outcome = try await cluster.run(nginx, duration: "15s") {
            try await Task.sleep(for: .seconds(2))
            await second.killed()
            again = try await cluster.startAgent("a2")
        }
        // Its runner died with it: that is the crash of a part.
        #expect(outcome.status == 71, "\(outcome.errors)")
        let share = outcome.summary.agent("a2")
        #expect(share["state"] as? String == "crashed", "\(share)")
        let missing = try #require(share["missing"] as? [String: Any])
        #expect((missing["reason"] as? String)?.contains("restarted") != true, "\(missing)")
        // To the hit: what was measured, and what its runner had counted and not handed over. A request of each user may
        // have been on its way when the runner died.
        let counted = outcome.requests + (missing["hits"] as? Int ?? 0)
        #expect((counted...counted + 5).contains(outcome.log), "\(missing), \(outcome.requests)")
        await first.stop()
        await again?.stop()
        await master.stop()
        await nginx.stop()
    }

    /// What a program has written and its agent has not read goes with the pipe between them.
    @Test func aKilledAgentsProgramMayHaveWrittenMoreThanAnybodyKnows() async throws {
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agent = try await cluster.startAgent("a1")
        let log = cluster.directory.path + "/written"
        let runner = try cluster.directory.write(
            """
            import os, sys, time
            sys.stdin.readline()
            results, log = int(os.environ["LOADS_RESULTS_FD"]), open(sys.argv[1], "wb", buffering=0)
            while True:
                for _ in range(50):
                    log.write(b"x")
                    os.write(results, b'{"t": 0.1, "name": "x", "status": 200, "ms": 1.5}\\n')
                time.sleep(0.01)
            """, to: "runner.py")
        let json = cluster.directory.path + "/summary.json"
        let run = try await cluster.startLoads([
            "run", "-c", "1", "-d", "60s", "--json", json, "--include", runner, "--", "python3", "runner.py", log,
        ])
        func written() -> Int { (try? Data(contentsOf: URL(filePath: log)).count) ?? 0 }
        try await run.wait(for: "hits", timeout: .seconds(60)) { written() > 5_000 }
        agent.kill(SIGKILL)
        let killed = Date.now
        await agent.killed()
        let again = try await cluster.startAgent("a1")
        let outcome = try await run.outcome(timeout: .seconds(120))
        #expect(outcome.status == 71, "\(outcome.errors)")
        let summary = try RunSummary(json)
        let missing = try #require(summary.agent("a1")["missing"] as? [String: Any])
        let (hits, counted) = (try #require(summary.number("hits.count")), missing["hits"] as? Int ?? 0)
        #expect(hits > 1_000 && hits + counted <= written(), "\(hits), \(missing), \(written())")
        // Where, and that the number is not all.
        let from = try #require(missing["from_s"] as? Double)
        let death = killed.timeIntervalSince(try summary.started)
        let error = summary.agent("a1")["clock_error_s"] as? Double ?? 0
        #expect(from <= death + error + 0.01, "\(missing), killed after \(death) s")
        // It writes 50 in a hundredth of a second at most: so long it took it to write what was measured.
        #expect(from >= Double(hits - 50) / 5_000 - 0.01, "\(missing), \(hits) hits, killed after \(death) s")
        #expect((missing["reason"] as? String)?.contains("is in no number") == true, "\(missing)")
        #expect(outcome.output.contains("is in no number"), "\(outcome.output)")
        await again.stop()
        await master.stop()
    }

    @Test func anAgentThatIsToldToEndDeliversEverythingAndItsUsersRunElsewhere() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let (first, second) = (try await cluster.startAgent("a1"), try await cluster.startAgent("a2"))
        // Longer than a machine may need that does other things, and shorter than a minute, after which it would be lost.
        let outcome = try await cluster.run(nginx, duration: "25s", ["--on-lost", "redistribute"]) {
            try await Task.sleep(for: .seconds(2))
            second.signal(SIGTERM)
            _ = try await second.outcome()
            try await cluster.wait(for: "users elsewhere") { status in
                (status["runs"] as? [[String: Any]])?.contains { $0["users"] as? Int == 10 } ?? false
            }
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.log == outcome.requests)
        #expect(outcome.summary.users == ["a1": 10, "a2": 5])
        let left = outcome.summary.agent("a2")
        #expect(left["state"] as? String == "left", "\(left)")
        #expect((left["missing"] as? [String: Any])?["from_s"] as? Double ?? 0 > 1, "\(left)")
        #expect(outcome.errors.contains("a2 has left"), "\(outcome.errors)")
        await first.stop()
        await master.stop()
        await nginx.stop()
    }

    @Test func aMasterThatStandsStillLosesNobody() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster(["--lost-after", "6s"])
        let (first, second) = (try await cluster.startAgent("a1"), try await cluster.startAgent("a2"))
        let outcome = try await cluster.run(nginx, duration: "16s") {
            master.signal(SIGSTOP)
            try await Task.sleep(for: .seconds(10))
            master.signal(SIGCONT)
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.log == outcome.requests)
        #expect(outcome.summary.agents.allSatisfy { $0["state"] as? String == "finished" }, "\(outcome.summary.agents)")
        #expect(master.errors.contains("did not run for") && !master.errors.contains("is lost"), "\(master.errors)")
        for process in [first, second, master] { await process.stop() }
        await nginx.stop()
    }

    @Test func aRunGoesToTheAgentsThatAreLeftWhenOneIsLostBeforeItsStart() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        // So long it is seen that the run is prepared.
        let master = try await cluster.startMaster(["--lost-after", "12s"])
        let (first, second) = (try await cluster.startAgent("a1"), try await cluster.startAgent("a2"))
        // It is given the run, and never gets ready.
        second.signal(SIGSTOP)
        let json = cluster.directory.path + "/summary.json"
        let run = try await cluster.startLoads([
            "run", nginx.url + "/", "-c", "4", "-n", "10", "--json", json,
        ])
        try await cluster.wait(for: "preparation") { status in
            (status["runs"] as? [[String: Any]])?.contains { $0["state"] as? String == "preparing" } ?? false
        }
        second.kill(SIGKILL)
        let outcome = try await run.outcome()
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.errors.contains("a2 was lost before the start"), "\(outcome.errors)")
        let summary = try RunSummary(json)
        #expect(summary.users == ["a1": 4])
        #expect(summary.number("hits.requests") == 40)
        #expect(try await nginx.accessLog(atLeast: 40).count == 40)
        await first.stop()
        await master.stop()
        await nginx.stop()
    }

    @Test(arguments: ["1s", "25h", "soon"]) func aTimeThatMakesNoSenseIsRefused(time: String) async throws {
        let outcome = try await ChildProcess.run([Cluster.binary("loads-master"), "--lost-after", time])
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("not a time from 2s to 24h"), "\(outcome.errors)")
    }
}

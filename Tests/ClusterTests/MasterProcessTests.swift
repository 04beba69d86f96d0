import Foundation
import TestSupport
import Testing

/// The executable `loads-master`: what it prints, and how it ends.
@Suite(.serialized) struct MasterProcessTests {
    @Test func terminationIsGracefulAndTheLogIsJSONWhereThatIsWanted() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster(["--log-format", "json", "--log-level", "debug"])
        let agent = try await cluster.startAgent("a1")
        let run = try await cluster.loads([
            "run", nginx.url + "/", "-c", "1", "-d", "5m", "--think", "10ms", "--detach",
        ])
        #expect(run.status == 0, "\(run.errors)")
        try await cluster.wait(for: "hits") { status in
            (status["runs"] as? [[String: Any]])?.contains { ($0["hits"] as? Int ?? 0) > 0 } ?? false
        }
        master.signal(SIGTERM)
        let ended = try await master.outcome(timeout: .seconds(30))
        #expect(ended.status == 0, "\(ended.errors)")
        let addresses = [("control", cluster.control), ("results", cluster.results), ("stream", cluster.stream)]
        #expect(
            ended.output
                == "ready " + addresses.map { "\($0.0)=tcp://127.0.0.1:\($0.1)" }.joined(separator: " ") + "\n")
        let lines = ended.errors.split(separator: "\n")
        let objects = lines.compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        #expect(objects.count == lines.count && !lines.isEmpty, "\(ended.errors)")
        #expect(objects.contains { ($0["message"] as? String)?.contains("SIGTERM") == true }, "\(ended.errors)")
        // What goes on is gone on with: the next master has the run, and stops it.
        let next = try await cluster.startMaster()
        let id = run.output.split(separator: "\n").first.map(String.init) ?? ""
        #expect(try await cluster.loads(["stop", id]).status == 0)
        try await cluster.wait(for: "the end") { status in
            (status["runs"] as? [[String: Any]])?.contains { $0["state"] as? String == "ended" } ?? false
        }
        await agent.stop()
        await next.stop()
        await nginx.stop()
    }

    @Test(arguments: [
        ["--control", "nowhere"], ["--control", "tcp://192.0.2.1:7780"], ["--keys", "/no/such/keys"],
        ["--lost-after", "1s"], ["--keep-runs", "3"],
    ])
    func wrongUsageIs64(_ arguments: [String]) async throws {
        let outcome = try await ChildProcess.run([Cluster.binary("loads-master")] + arguments)
        #expect(outcome.status == 64, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.isEmpty && !outcome.errors.isEmpty)
    }
}

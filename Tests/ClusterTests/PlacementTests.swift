import Foundation
import Glibc
import TestSupport
import Testing

/// Who takes part in a run with which share, on what clock, and what is kept of it.
@Suite(.serialized) struct PlacementTests {
    /// An agent that may use one core, and one that may use all.
    @Test(.enabled(if: ProcessInfo.processInfo.activeProcessorCount > 1, "shares by cores need more than one"))
    func usersAreSharedByCoresAndEveryHitIsKept() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let agents = [
            try await cluster.startAgent("a1", prefix: ["taskset", "-c", Self.firstCore]),
            try await cluster.startAgent("a2"),
        ]
        let json = cluster.directory.path + "/summary.json"
        let outcome = try await cluster.loads([
            "run", nginx.url + "/", "-c", "\(3 * (cores + 1))", "-n", "5", "--weighted", "--keep-hits", "--json", json,
        ])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let summary = try RunSummary(json)
        #expect(summary.users == ["a1": 3, "a2": 3 * cores])
        let hits = 15 * (cores + 1)
        #expect(try await nginx.accessLog(atLeast: hits).count == hits)
        let run = try #require((summary.object["run"] as? [String: Any])?["id"] as? String)
        let kept = try String(contentsOfFile: cluster.directory.path + "/master/hits/\(run).ndjson", encoding: .utf8)
            .split(separator: "\n")
            .map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:] }
        #expect(kept.count == hits)
        // Users have numbers of their own over all agents.
        let users = Dictionary(grouping: kept) { $0["user"] as? Int ?? -1 }.mapValues(\.count)
        #expect(users == Dictionary(uniqueKeysWithValues: (0..<hits / 5).map { ($0, 5) }))
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
    }

    @Test func labelsChooseTheAgents() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agents = [
            try await cluster.startAgent("a1", ["--labels", "zone=eu,disk=fast"]),
            try await cluster.startAgent("a2", ["--labels", "zone=us,disk=fast"]),
        ]
        let json = cluster.directory.path + "/summary.json"
        for (labels, users) in [(["disk=fast"], ["a1": 2, "a2": 2]), (["disk=fast", "zone=us"], ["a2": 4])] {
            let outcome = try await cluster.loads(
                ["run", nginx.url + "/", "-c", "4", "-n", "2", "--json", json] + labels.flatMap { ["--label", $0] })
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try RunSummary(json).users == users)
        }
        // Nobody has it: the run waits, and says for whom.
        let run = try await cluster.startLoads(["run", nginx.url + "/", "-c", "1", "-n", "1", "--label", "zone=mars"])
        try await run.wait(for: "the reason") { run.errors.contains("zone=mars") }
        run.signal(SIGINT)
        #expect(try await run.outcome().status == 130)
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
    }

    /// Whoever dials one address is sent to another for the results and the stream.
    @Test func theHostThatTheMasterAdvertisesIsDialled() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster([
            "--results", "tcp://127.0.0.2:\(cluster.results)", "--stream", "tcp://127.0.0.2:\(cluster.stream)",
            "--advertise", "127.0.0.2",
        ])
        let agent = try await cluster.startAgent("a1")
        let (json, hits) = (cluster.directory.path + "/summary.json", cluster.directory.path + "/hits.ndjson")
        let outcome = try await cluster.loads([
            "run", nginx.url + "/", "-c", "2", "-n", "10", "--json", json, "--stream", hits,
        ])
        // Its results came, and so did every hit through the stream.
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try RunSummary(json).number("hits.requests") == 20)
        #expect(try String(contentsOfFile: hits, encoding: .utf8).split(separator: "\n").count >= 20)
        await agent.stop()
        await master.stop()
        await nginx.stop()
    }

    /// Machines whose monotonic clocks have nothing to do with one another: time namespaces.
    @Test(.enabled(if: Self.hasTimeNamespaces, "time namespaces need root and Linux 5.6"))
    func usersStartTogetherWhateverTheClocksSay() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let ahead = ["unshare", "--time", "--monotonic", "500000", "--fork", "--kill-child"]
        let agents = [
            try await cluster.startAgent("a1"), try await cluster.startAgent("a2", prefix: ahead),
        ]
        let outcome = try await cluster.run(nginx, duration: "3s", meanwhile: {})
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.log == outcome.requests)
        for id in ["a1", "a2"] {
            let agent = outcome.summary.agent(id)
            let (skew, error) = (agent["start_skew_s"] as? Double, agent["clock_error_s"] as? Double)
            // Far from 500,000 s; how near to nought is for a quiet machine.
            #expect(abs(try #require(skew)) < 10, "\(agent)")
            #expect((0..<10).contains(try #require(error)), "\(agent)")
            #expect(agent["missing"] == nil && agent["hits"] as? Int ?? 0 > 0, "\(agent)")
        }
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
    }

    /// A core that this process may use.
    private static var firstCore: String {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        return String(line?.split(separator: "\t").last?.prefix { $0.isNumber } ?? "0")
    }

    static let hasTimeNamespaces: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["unshare", "--time", "--monotonic", "1", "--fork", "true"]
        process.standardError = FileHandle.nullDevice
        guard getuid() == 0, (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}

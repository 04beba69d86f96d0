import Foundation
import TestSupport
import Testing

/// Runners that crash, hang or flood: what they did at the target before is counted, and nothing else is touched.
@Suite(.serialized) struct RunnerFaultTests {
    /// Sends requests one after the other and writes a line for each; then it does what its argument says.
    private static let program = """
        import http.client, json, os, signal, sys, time
        mode, port = sys.argv[1], int(sys.argv[2])
        plan = json.loads(sys.stdin.readline())
        out = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w", buffering=1 << 20)
        target = http.client.HTTPConnection("127.0.0.1", port)
        def request():
            target.request("GET", "/")
            answer = target.getresponse()
            answer.read()
            out.write('{"name": "x", "status": %d, "ms": 1.5}\\n' % answer.status)
        for number in range(100): request()
        out.flush()
        time.sleep(1)
        if mode == "crash": os.abort()
        if mode == "flood":
            # As fast as it can, and then all lines at once.
            for number in range(4000): request()
            out.flush()
        if mode == "hang":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(100000)
        """

    @Test(arguments: [("crash", 100), ("flood", 4_100), ("hang", 100)])
    func aProgramSpoilsOnlyItsOwnShare(_ mode: String, _ hits: Int) async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agent = try await cluster.startAgent("a1")
        let runner = try cluster.directory.write(Self.program, to: "runner.py")
        let json = cluster.directory.path + "/summary.json"
        // Only one that hangs is waited for so long.
        let grace = mode == "hang" ? "20s" : "300s"
        let outcome = try await cluster.loads([
            "run", "-c", "1", "-d", "1s", "--grace", grace, "--json", json, "--include", runner, "--", "python3",
            "runner.py", mode, "\(nginx.port)",
        ])
        // One that never ends is killed when it is long overdue: a crash like another.
        #expect(outcome.status == (mode == "flood" ? 0 : 71), "\(outcome.output)\(outcome.errors)")
        #expect(try RunSummary(json).number("hits.count") == hits)
        #expect(try await nginx.accessLog(atLeast: hits).count == hits)
        // The agent goes on as if nothing had been.
        let next = try await cluster.run(nginx, users: 2, duration: "1s", first: 0) {}
        #expect(next.status == 0 && next.log == next.requests, "\(next.errors)")
        for process in [agent, master] { await process.stop() }
        await nginx.stop()
    }

    /// A runner that counts for itself, in the dialect `messages`, beside one that nothing happens to.
    @Test(arguments: ["crash", "hang", "flood"])
    func aRunnerOfMessagesSpoilsOnlyItsOwnShare(_ mode: String) async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agents = [try await cluster.startAgent("a1"), try await cluster.startAgent("a2")]
        let (json, stream) = (cluster.directory.path + "/summary.json", cluster.directory.path + "/hits.ndjson")
        let pace = mode == "flood" ? ["--stream", stream] : ["--think", "10ms"]
        // It must not be over before its runner is found, and what never pauses ends its last requests.
        let (duration, grace) = mode == "flood" ? ("4s", "60s") : ("12s", "1s")
        let run = try await cluster.startLoads(
            ["run", nginx.url + "/", "-c", "10", "-d", duration, "--grace", grace, "--json", json] + pace)
        if mode != "flood" {
            try await run.wait(for: "requests") { nginx.accessLog().count > 300 }
            let runner = try #require(Self.children(of: agents[1].identifier).first)
            kill(runner, mode == "crash" ? SIGKILL : SIGSTOP)
        }
        let outcome = try await run.outcome()
        let summary = try RunSummary(json)
        // The numbers have every hit; of the single ones those may be dropped, and are counted, that nobody takes in time.
        let dropped = try #require(summary.number("generator.dropped_hits"))
        let status: Int32 = mode != "flood" ? 71 : dropped == 0 ? 0 : 70
        #expect(outcome.status == status, "\(outcome.output)\(outcome.errors)")
        let measured = try #require(summary.number("hits.requests"))
        let log = try await nginx.accessLog(atLeast: measured).count
        #expect(summary.agent("a1")["state"] as? String == "finished", "\(summary.agents)")
        if mode == "flood" {
            // All users of both without a pause, and every hit in the stream as well, but for those.
            let written = try String(contentsOfFile: stream, encoding: .utf8).split(separator: "\n").count
            #expect(log == measured && summary.agent("a2")["state"] as? String == "finished")
            #expect(
                dropped < measured / 2 && written + dropped == measured,
                "\(written) written, \(dropped) dropped, \(measured)")
        } else {
            let share = summary.agent("a2")
            #expect(share["state"] as? String == "crashed", "\(share)")
            // What it had counted and not handed over is named; a request of each of its users may have been on its way.
            let missing = (share["missing"] as? [String: Any])?["hits"] as? Int ?? 0
            #expect((measured + missing...measured + missing + 5).contains(log), "\(log), \(measured), \(share)")
        }
        for process in agents + [master] { await process.stop() }
        await nginx.stop()
    }

    private static func children(of process: Int32) -> [Int32] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        return tasks.flatMap { task in
            let text = (try? String(contentsOfFile: "/proc/\(process)/task/\(task)/children", encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { Int32($0) }
        }
    }
}

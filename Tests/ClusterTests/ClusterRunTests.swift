import Foundation
import TestSupport
import Testing

/// Runs on a master and agents that are processes of their own.
@Suite(.serialized) struct ClusterRunTests {
    /// The example on three agents: every user, iteration and request is there once, and a program of a few lines that
    /// subscribes to the stream counts the same.
    @Test(arguments: [false, true]) func threeAgentsShareAHundredUsers(keys: Bool) async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster(keys: keys)
        let master = try await cluster.startMaster()
        var agents: [ChildProcess] = []
        for name in ["a1", "a2", "a3"] { agents.append(try await cluster.startAgent(name)) }
        let counter = try await subscriber(cluster)
        try await counter.wait(for: "subscription") { counter.output.contains("subscribed") }

        let json = cluster.directory.path + "/summary.json"
        let outcome = try await cluster.loads([
            "run", "BlogTests.TestWebSite/something", "--package", Cluster.blog, "--server-url", nginx.url, "-c", "100",
            "-n", "10", "--json", json,
        ])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)\(master.errors)")
        let log = try await nginx.accessLog(atLeast: 1000)
        let summary = try RunSummary(json)
        #expect(log.count == 1000)
        #expect(summary.number("iterations.ok") == 1000)
        #expect(summary.number("hits.requests") == 1000)
        #expect(summary.users.values.sorted() == [33, 33, 34])
        #expect(Set(summary.users.keys) == ["a1", "a2", "a3"])
        try await counter.wait(for: "the end of the run") { counter.output.contains("hits 1000\n") }
        #expect(counter.output.split(separator: "\n").last == "hits 1000", "\(counter.output)")
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
    }

    /// Runs on disjoint agents go on at once; a third waits for its agents.
    @Test func runsOnDisjointAgentsGoOnAtOnce() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agents = [try await cluster.startAgent("a1"), try await cluster.startAgent("a2")]
        let files = (1...3).map { cluster.directory.path + "/\($0).json" }
        var runs: [ChildProcess] = []
        for file in files {
            runs.append(
                try await cluster.startLoads([
                    "run", nginx.url + "/", "-c", "2", "-d", "2s", "--think", "10ms", "--agents", "1", "--json", file,
                ]))
        }
        for run in runs {
            let outcome = try await run.outcome()
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        let hits = try files.map { try #require(try RunSummary($0).number("hits.requests")) }
        #expect(try await nginx.accessLog(atLeast: hits.reduce(0, +)).count == hits.reduce(0, +))
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
    }

    /// A detached run can be found, watched, changed and stopped from elsewhere.
    @Test func aDetachedRunIsAttachedToAdjustedAndStopped() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agent = try await cluster.startAgent("a1")
        let started = try await cluster.loads([
            "run", nginx.url + "/", "-c", "2", "-d", "5m", "--think", "20ms", "--detach",
        ])
        #expect(started.status == 0, "\(started.errors)")
        // The name alone, for scripts; what can be done with it beside it.
        let run = try #require(started.output.split(separator: "\n").first.map(String.init))
        #expect(started.output == run + "\n")
        #expect(started.errors.contains("loads attach \(run)"), "\(started.errors)")
        try await cluster.wait(for: "running") { status in
            (status["runs"] as? [[String: Any]])?.contains { $0["state"] as? String == "running" } ?? false
        }
        let file = { (name: String) in cluster.directory.path + "/attached." + name }
        let (json, html, series) = (file("json"), file("html"), file("csv"))
        _ = try await nginx.accessLog(atLeast: 100)
        let attached = try await cluster.startLoads([
            "attach", run, "--json", json, "--html", html, "--csv-series", series,
        ])
        // It must be there before anything happens to the run.
        try await attached.wait(for: "the run", timeout: .seconds(60)) { attached.errors.contains("running ") }
        let followed = try await cluster.startLoads(["logs", run, "--follow"])
        try await followed.wait(for: "the start") { followed.output.contains("  started  ") }
        #expect(try await cluster.loads(["adjust", run, "-c", "7"]).status == 0)
        try await cluster.wait(for: "7 users") { status in
            (status["runs"] as? [[String: Any]])?.contains { $0["users"] as? Int == 7 } ?? false
        }
        #expect(try await cluster.loads(["stop", run]).status == 0)
        let outcome = try await attached.outcome()
        #expect(outcome.status == 130, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("2 users for 5m, adjusted to 7 users at "), "\(outcome.output)")
        #expect(outcome.errors.contains("the run is ending: stopped by "), "\(outcome.errors)")
        #expect(try await cluster.loads(["status"]).output.contains("ended: stopped"))
        let hits = try #require(try RunSummary(json).number("hits.requests"))
        #expect(try await nginx.accessLog(atLeast: hits).count == hits)
        let page = try String(contentsOfFile: html, encoding: .utf8)
        #expect(page.contains("id=\"outcome\">✗ interrupted<") && page.contains("<bdi>a1</bdi>"))
        #expect(page.contains("id=\"chart-hits-title\""))
        #expect(!page.contains("lost on their way"))
        // The series holds the time before it was attached, too.
        var (first, sum) = (-1, 0)
        for line in try String(contentsOfFile: series, encoding: .utf8).split(separator: "\n") {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard fields[2] == "all" else { continue }
            if first < 0 { first = Int(fields[0]) ?? -1 }
            sum += Int(fields[5]) ?? 0
        }
        #expect(first == 0 && sum == hits)
        #expect(!outcome.errors.contains("before this was attached"), "\(outcome.errors)")
        let log = try await cluster.loads(["logs", run])
        for word in ["started", "adjusted", "ended"] { #expect(log.output.contains(word), "\(log.output)") }
        // Who follows it has seen the same, as it happened, and leaves with the end.
        let seen = try await followed.outcome()
        #expect(seen.status == 0 && seen.output == log.output, "\(seen.output)\(seen.errors)")
        await agent.stop()
        await master.stop()
        await nginx.stop()
    }

    @Test func withoutAgentsTheRunWaitsAndSaysSo() async throws {
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let run = try await cluster.startLoads(["run", "http://127.0.0.1:9/", "-c", "1", "-n", "1"])
        try await cluster.wait(for: "queued") { status in
            (status["runs"] as? [[String: Any]])?.contains { $0["state"] as? String == "queued" } ?? false
        }
        try await run.wait(for: "the reason") { run.errors.contains("queued: waits for one more agent (") }
        #expect(try await cluster.loads(["status"]).output.contains("queued: waits for one more agent"))
        run.signal(SIGINT)
        let outcome = try await run.outcome()
        #expect(outcome.status == 130, "\(outcome.errors)")
        await master.stop()
    }

    @Test func noMasterIsSaidWithItsAddress() async throws {
        let cluster = try await Cluster()
        let outcome = try await cluster.loads(["status"])
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains(cluster.address), "\(outcome.errors)")
    }

    /// A subscriber of a few lines that counts the hits it sees.
    private func subscriber(_ cluster: Cluster) async throws -> ChildProcess {
        let keys = try await cluster.keyFolder("watcher", "counter") ?? ""
        let script = """
            import sys, zmq, msgpack, pathlib
            socket = zmq.Context().socket(zmq.SUB)
            keys = sys.argv[2] if len(sys.argv) > 2 else ""
            if keys:
                read = lambda name: (pathlib.Path(keys) / name).read_text().strip().encode()
                socket.curve_secretkey, socket.curve_publickey = read("watcher.secret"), read("watcher.public")
                socket.curve_serverkey = read("master.public")
            socket.connect(sys.argv[1]); socket.subscribe(b"hits/"); socket.subscribe(b"events/")
            print("subscribed", flush=True)
            count, ended = 0, False
            while True:
                topic, message = socket.recv_multipart()
                message = msgpack.unpackb(message)
                count += message.get("count", 0)
                # What comes after the end is told as well, whenever it comes: topics beat for a while.
                ended = ended or message.get("kind") == "ended"
                if ended: print("hits", count, flush=True)
            """
        let path = try cluster.directory.write(script, to: "count.py")
        let python = ProcessInfo.processInfo.environment["LOADS_TEST_CLIENTS_PYTHON"] ?? "python3"
        return try ChildProcess([python, path, "tcp://127.0.0.1:\(cluster.stream)", keys])
    }
}

import Foundation
import TestSupport
import Testing

/// Disks that are full: a small file system of the test's own takes their place.
@Suite(.serialized, .enabled(if: getuid() == 0, "mounting a file system needs root")) struct DiskTests {
    /// A file system in memory, of so many KiB.
    private func mount(_ folder: String, kibibytes: Int) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await ChildProcess.succeed(["mount", "-t", "tmpfs", "-o", "size=\(kibibytes)k", "loads-test", folder])
    }

    private func unmount(_ folder: String) async { _ = try? await ChildProcess.run(["umount", "-l", folder]) }

    @Test func aFullDiskAtTheMasterLosesNothing() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let data = cluster.directory.path + "/small"
        try await mount(data, kibibytes: 2_048)
        let master = try await cluster.startMaster(data: data)
        let agent = try await cluster.startAgent("a1")
        let ballast = data + "/ballast"
        let json = cluster.directory.path + "/summary.json"
        let run = try await cluster.startLoads([
            "run", nginx.url + "/", "-c", "5", "-d", "12s", "--think", "10ms", "--json", json,
        ])
        try await run.wait(for: "requests") { nginx.accessLog().count > 50 }
        // Fill what is left.
        _ = try await ChildProcess.run(["dd", "if=/dev/zero", "of=\(ballast)", "bs=1k"])
        try await master.wait(for: "complaint", timeout: .seconds(30)) { master.errors.contains("disk") }
        try FileManager.default.removeItem(atPath: ballast)
        let outcome = try await run.outcome(timeout: .seconds(120))
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let hits = try #require(try RunSummary(json).number("hits.requests"))
        #expect(try await nginx.accessLog(atLeast: hits).count == hits)
        await agent.stop()
        await master.stop()
        await unmount(data)
        await nginx.stop()
    }

    @Test func aFullSpoolSaysWhatItLost() async throws {
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agent = try await cluster.startAgent("a1", ["--spool-limit", "1"])
        // Each hit has a URL of its own, so that 4,000 of them are some 8 MB. They come once the master takes nothing.
        let runner = try cluster.directory.write(
            """
            import os, sys, time
            sys.stdin.readline()
            out, folder = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w"), sys.argv[1]
            def hit(number, length):
                url = f"http://x/{number}/" + "u" * length
                out.write('{"t": 0.1, "name": "x", "url": "%s", "status": 200, "ms": 1.5}\\n' % url)
            for number in range(100): hit(number, 10)
            out.flush()
            while not os.path.exists(folder + "/flood"): time.sleep(0.05)
            for number in range(4000):
                hit(number, 2000)
                if number % 50 == 0: out.flush(); time.sleep(0.05)
            out.flush()
            while not os.path.exists(folder + "/end"): time.sleep(0.05)
            """, to: "runner.py")
        let (json, stream) = (cluster.directory.path + "/summary.json", cluster.directory.path + "/hits.ndjson")
        let run = try await cluster.startLoads([
            "run", "-c", "1", "-d", "300s", "--stream", stream, "--json", json, "--include", runner, "--", "python3",
            "runner.py", cluster.directory.path,
        ])
        try await cluster.wait(for: "hits") { status in
            (status["runs"] as? [[String: Any]] ?? []).contains { $0["hits"] as? Int == 100 }
        }
        master.signal(SIGSTOP)
        _ = try cluster.directory.write("", to: "flood")
        try await agent.wait(for: "a full spool", timeout: .seconds(120)) {
            agent.errors.contains("as many as are kept: further ones are merged, single hits are dropped and counted")
        }
        _ = try cluster.directory.write("", to: "end")
        master.signal(SIGCONT)
        let outcome = try await run.outcome(timeout: .seconds(120))
        // Statistics merge, so that the numbers are complete. What fell short are single hits, and the summary says how many.
        let summary = try RunSummary(json)
        #expect(summary.number("hits.count") == 4_100 && summary.agents.first?["missing"] == nil, "\(summary.agents)")
        let written = try String(contentsOfFile: stream, encoding: .utf8).split(separator: "\n").count
        let dropped = try #require(summary.number("generator.dropped_hits"))
        #expect(dropped > 0 && written + dropped == 4_100, "\(written) written, \(dropped) dropped")
        // And where.
        #expect(summary.agents.map { $0["dropped_hits"] as? Int } == [dropped], "\(summary.agents)")
        #expect(outcome.status == 70 && outcome.output.contains("missing in the stream"), "\(outcome.output)")
        await agent.stop()
        await master.stop()
    }
}

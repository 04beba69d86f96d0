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
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agent = try await cluster.startAgent("a1", ["--spool-limit", "1"])
        let json = cluster.directory.path + "/summary.json"
        let run = try await cluster.startLoads([
            "run", nginx.url + "/", "-c", "20", "-d", "18s", "--stream", cluster.directory.path + "/hits.ndjson",
            "--json", json,
        ])
        try await run.wait(for: "requests") { nginx.accessLog().count > 50 }
        // Nobody takes anything for a while.
        master.signal(SIGSTOP)
        try await Task.sleep(for: .seconds(12))
        master.signal(SIGCONT)
        _ = try await run.outcome(timeout: .seconds(120))
        let summary = try RunSummary(json)
        let hits = try #require(summary.number("hits.requests"))
        let log = try await nginx.accessLog(atLeast: hits).count
        // Statistics merge, so that they may well be complete; if they are not, the summary says by how much.
        let missing = (summary.agents.first?["missing"] as? [String: Any])?["hits"] as? Int ?? 0
        #expect(hits + missing == log)
        await agent.stop()
        await master.stop()
        await nginx.stop()
    }
}

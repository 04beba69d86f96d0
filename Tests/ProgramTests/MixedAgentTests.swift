import Foundation
import TestSupport
import Testing

/// What agents in all three languages owe their machine and their users.
@Suite struct MixedAgentTests {
    private static let languages = ["swift", "python", "node"]

    /// A team's own tests, shipped to agents of three languages at once.
    @Test(arguments: [false, true]) func agentsInThreeLanguagesRunTheTeamsTests(encrypted: Bool) async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let cluster = try await MixedCluster(in: directory, encrypted: encrypted)
        let json = directory.path + "/summary.json"
        let outcome = try await cluster.loads(
            "run",
            [
                "BlogTests.TestWebSite/something", "--package", Program.blog, "--server-url", nginx.url, "-c", "100",
                "-n",
                "10", "--json", json,
            ])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(try await nginx.accessLog(atLeast: 1000).count == 1000)
        let written = try Written(json: json)
        #expect(try written.number("iterations.ok") == 1000)
        #expect(try written.number("hits.requests") == 1000)
        let shares = try written.list("agents")
        #expect(shares.compactMap { $0["id"] as? String }.sorted() == ["node", "python", "swift"])
        #expect(shares.compactMap { $0["users"] as? Int }.sorted() == [33, 33, 34])
        for share in shares {
            let users = try #require(share["users"] as? Int)
            #expect(share["hits"] as? Int == users * 10, "\(share)")
        }
        await cluster.stop()
        await nginx.stop()
    }

    /// What a power cut may leave: an empty file under the name of a good one, and one with another content.
    @Test func aDamagedFileIsFetchedAnew() async throws {
        let directory = try TemporaryDirectory()
        var options = ["-c", "3", "-n", "1", "--json", directory.path + "/summary.json"]
        for (name, damaged) in [("one", ""), ("two", "the c0ntent of two\n")] {
            let path = try directory.write("the content of \(name)\n", to: name)
            options += ["--include", path]
            let hash = try await ChildProcess.succeed(["sha256sum", path]).prefix(64)
            for language in Self.languages {
                let cache = "\(directory.path)/\(language)/files"
                try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
                try Data(damaged.utf8).write(to: URL(filePath: "\(cache)/\(hash)"))
            }
        }
        let cluster = try await MixedCluster(in: directory)
        let script = """
            read -r plan
            if grep -q 'content of one' one && grep -q 'content of two' two; then
                echo '{"name":"good","ms":1}' >&$LOADS_RESULTS_FD
            fi
            """
        let outcome = try await cluster.loads("run", options + ["--", "sh", "-c", script])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let written = try Written(json: directory.path + "/summary.json")
        #expect(try written.number("hits.count") == 3)
        await cluster.stop()
    }

    /// A shell script starts what makes the load; the agent knows the shell alone.
    @Test(arguments: languages) func whatAProgramHasStartedDiesWithItsKilledAgent(_ language: String) async throws {
        let directory = try TemporaryDirectory()
        let cluster = try await MixedCluster(in: directory, languages: [language])
        let agent = try #require(cluster.agents[language])
        // After a run nothing is left, not even who would have seen to that.
        var outcome = try await cluster.loads("run", ["-c", "1", "-n", "1", "--", "sh", "-c", "read -r plan"])
        try await agent.wait(for: "end of all it has started", timeout: .seconds(20)) {
            URLRunTests.children(of: agent.identifier).isEmpty
        }
        let file = directory.path + "/number"
        let loader = "trap '' TERM INT HUP; echo $$ >\(file).new; mv \(file).new \(file); while :; do sleep 0.1; done"
        outcome = try await cluster.loads(
            "run", ["-c", "1", "-d", "300s", "--detach", "--", "sh", "-c", "sh -c \"$0\"; true", loader])
        #expect(outcome.status == 0, "\(outcome.errors)")
        // Beside the program there is by then who sees to its end.
        try await agent.wait(for: "the loader", timeout: .seconds(60)) {
            FileManager.default.fileExists(atPath: file) && URLRunTests.children(of: agent.identifier).count == 2
        }
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let process = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(Self.lives(process))
        agent.signal(SIGKILL)
        let limit = ContinuousClock.now + .seconds(30)
        while Self.lives(process), ContinuousClock.now < limit { try await Task.sleep(for: .milliseconds(10)) }
        #expect(!Self.lives(process))
        await cluster.stop()
    }

    private static func lives(_ process: Int32) -> Bool {
        let status = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ") Z"
        return !status.contains(") Z")
    }
}

import Foundation
import Glibc
import TestSupport
import Testing

/// Runs of the fixture package's tests: bodies that block, several targets, redirects, an interrupt.
@Suite(.serialized) struct SiteRunTests {
    /// A run against a server of its own.
    private struct Run {
        let outcome: ChildProcess.Outcome
        let written: Written
        let log: [String]
    }

    private func run(_ arguments: [String], requests: Int = 0) async throws -> Run {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let (json, stream) = (directory.path + "/summary.json", directory.path + "/hits.ndjson")
        let outcome = try await Program.run(
            arguments + [
                "--package", Program.site, "--server-url", nginx.url, "--json", json, "--stream", stream,
            ])
        let log = try await nginx.accessLog(atLeast: requests)
        await nginx.stop()
        try #require(FileManager.default.fileExists(atPath: json), "\(outcome.output)\(outcome.errors)")
        return Run(outcome: outcome, written: try Written(json: json, stream: stream), log: log)
    }

    @Test(arguments: ["SiteTests.Bodies/blocks", "SiteTests.BodiesXCT/testBlocks"])
    func aBodyThatBlocksIsNamed(_ test: String) async throws {
        // Where the machine itself keeps the loop waiting, nobody is blamed: then once more.
        for _ in 0..<5 {
            let run = try await run([test, "SiteTests.Bodies/awaits", "-c", "2", "-n", "15", "--loops", "1"])
            #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
            let blocked = try run.written.list("generator.blocked_by")
            guard let first = blocked.first else { continue }
            #expect(first["name"] as? String == test)
            #expect(try #require(first["longest_ms"] as? NSNumber).doubleValue >= 40)
            let count = try #require(first["count"] as? Int)
            #expect(1...30 ~= count)
            // A moment in which the machine itself stood still may have fallen on the other one: that is rare.
            for other in blocked.dropFirst() {
                #expect(try #require(other["count"] as? Int) * 3 <= count, "\(blocked)")
            }
            #expect(run.outcome.output.contains("warning: \(test) blocked its loop for at most "))
            #expect(run.outcome.output.contains("use --threads"))
            try await run.written.checkSchema()
            return
        }
        Issue.record("\(test) was not named")
    }

    @Test func aBodyThatBlocksAThreadOfItsOwnHoldsUpNobody() async throws {
        let run = try await run(["SiteTests.Bodies/blocks", "-c", "4", "-n", "3", "--threads"], requests: 12)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.log.count == 12)
        #expect(try run.written.number("iterations.ok") == 12)
        #expect(run.written.value("plan.threads") as? Bool == true)
        #expect(try run.written.list("generator.blocked_by").isEmpty)
        #expect(!run.outcome.output.contains("Bodies/blocks blocked"))
    }

    @Test func eachIterationDrawsOneOfSeveralTargets() async throws {
        let run = try await run(
            ["SiteTests.Pages/front", "SiteTests.Pages.large", "-c", "4", "-n", "20"], requests: 80)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.log.count == 80)
        #expect(try run.written.number("iterations.started") == 80)
        let counts = try run.written.list("names").map { $0["count"] as? Int ?? 0 }
        // 80 draws miss one of two tests once in 10^24 runs.
        #expect(counts.count == 2 && counts.reduce(0, +) == 80)
        #expect(run.written.value("run.target") as? String == "SiteTests.Pages/front SiteTests.Pages.large")
        try run.written.comparePercentiles()
    }

    @Test func redirectsAreRequestsOfOneHit() async throws {
        let run = try await run(["SiteTests.Pages/moved", "-c", "3", "-n", "4"], requests: 36)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(try run.written.number("hits.count") == 12)
        #expect(try run.written.number("hits.requests") == 36)
        #expect(run.log.count == 36)
        #expect(run.written.lines.count == 12)
        #expect(run.written.lines.allSatisfy { $0["requests"] as? Int == 3 && $0["status"] as? Int == 200 })
        try await run.written.checkSchema()
    }

    @Test func ctrlCEndsTheTestsAndReports() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let process = try Program.start([
            "SiteTests.Pages/lingers", "--package", Program.site, "--server-url", nginx.url, "-c", "3", "-n", "9",
            "--grace", "3s", "--json", json,
        ])
        // The package may have to be built before.
        try await process.wait(for: "hits", timeout: .seconds(600)) { nginx.accessLog().count == 3 }
        process.signal(SIGINT)
        let outcome = try await process.outcome(timeout: .seconds(60))
        await nginx.stop()
        #expect(outcome.status == 130, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("interrupted: the numbers cover what ran until then"))
        let written = try Written(json: json)
        #expect(written.value("run.interrupted") as? Bool == true)
        #expect(try written.number("iterations.started") == 3)
        #expect(try written.number("iterations.interrupted") == 3)
        #expect(try written.number("hits.count") == 3)
        try await written.checkSchema()
    }
}

import Foundation
import TestSupport
import Testing

/// Mixes of scenarios, and think times, with real tests on a real server.
@Suite(.serialized) struct MixRunTests {
    private struct Run {
        let outcome: ChildProcess.Outcome
        let written: Written
        let log: [String]
        let junit: String

        /// Good iterations by scenario.
        func iterations() throws -> [String: Int] {
            Dictionary(
                try written.list("scenarios").map { scenario in
                    let iterations = try #require(scenario["iterations"] as? [String: Int])
                    return (scenario["name"] as? String ?? "", iterations["ok"] ?? -1)
                }, uniquingKeysWith: { first, _ in first })
        }

        /// When hits under a name began, in seconds.
        func times(_ name: String) -> [Double] {
            written.lines.filter { ($0["name"] as? String) == name }
                .compactMap { ($0["t"] as? NSNumber)?.doubleValue }.sorted()
        }
    }

    private func run(_ yaml: String, requests: Int) async throws -> Run {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let (json, stream) = (directory.path + "/summary.json", directory.path + "/hits.ndjson")
        let junit = directory.path + "/junit.xml"
        let file = try directory.write("package: \(Program.site)\n" + yaml, to: "loads.yml")
        let outcome = try await Program.run([
            "--config", file, "--server-url", nginx.url, "--json", json, "--stream", stream, "--junit", junit,
        ])
        let log = try await nginx.accessLog(atLeast: requests)
        await nginx.stop()
        try #require(FileManager.default.fileExists(atPath: json), "\(outcome.output)\(outcome.errors)")
        try await OutputTests.checkJUnit(junit)
        return Run(
            outcome: outcome, written: try Written(json: json, stream: stream), log: log,
            junit: try String(contentsOfFile: junit, encoding: .utf8))
    }

    @Test func scenariosAreDrawnByTheirWeights() async throws {
        let run = try await run(
            """
            users: 4
            iterations: 100
            scenarios:
              - target: SiteTests.Pages/front
                weight: 3
              - target: SiteTests.Pages/large
            """, requests: 400)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        // A quarter of 400, with a standard deviation of 9.
        let large = run.log.count { $0.contains("/large") }
        #expect(try run.iterations() == ["SiteTests.Pages/front": 400 - large, "SiteTests.Pages/large": large])
        #expect(run.log.count == 400 && (50...150).contains(large), "\(large)")
        try await run.written.checkSchema()
    }

    @Test func scenariosHaveModelsOfTheirOwnAndBeginInTheirTime() async throws {
        let run = try await run(
            """
            users: 2
            iterations: 10
            scenarios:
              - target: SiteTests.Pages/front
                rate: 60/s
                duration: 1s
                start: 500ms
              - target: SiteTests.Pages/large
                users: 1:2
                iterations: 3
                pause: 400ms
              - target: SiteTests.Pages/moved
            """, requests: 129)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.log.count == 129)
        let names = Set(run.written.lines.compactMap { $0["name"] as? String })
        let (starts, large) = (run.times("GET /"), run.times("GET /large"))
        #expect(starts.count == 60 && large.count == 9, "\(names)")
        #expect(starts.first ?? 0 >= 0.5)
        // Three by one user, then, after the pause, three by each of two.
        #expect(large[3] - large[2] >= 0.4, "\(large)")
        let counts = ["SiteTests.Pages/front": 60, "SiteTests.Pages/large": 9, "SiteTests.Pages/moved": 20]
        #expect(try run.iterations() == counts)
        #expect(run.junit.contains("<testsuite name=\"loads.scenarios\" tests=\"3\" failures=\"0\""), "\(run.junit)")
        for name in counts.keys {
            #expect(run.junit.contains("<testcase name=\"\(name)\" classname=\"loads.scenarios\""), "\(run.junit)")
        }
        let front = try run.written.list("scenarios").first { $0["name"] as? String == "SiteTests.Pages/front" }
        #expect((front?["arrivals"] as? [String: Int]) == ["planned": 60, "started": 60, "dropped": 0, "cancelled": 0])
        #expect(try run.written.number("arrivals.planned") == 60 && run.written.number("iterations.ok") == 89)
        try await run.written.checkSchema()
    }

    @Test(arguments: ["normal(60ms,5ms)", "exponential(60ms)", "uniform(40ms,80ms)"])
    func aUserWaitsAsItsDistributionSays(_ think: String) async throws {
        let run = try await run(
            """
            target: SiteTests.Pages/front
            users: 10
            iterations: 20
            think: \(think)
            seed: 7
            """, requests: 200)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.written.value("plan.think") as? String == think)
        #expect(try run.written.number("plan.think_s") == 0.06)
        let users = Dictionary(grouping: run.written.lines) { $0["user"] as? Int ?? -1 }.mapValues { lines in
            lines.compactMap { ($0["t"] as? NSNumber)?.doubleValue }.sorted()
        }
        let gaps = users.values.flatMap { times in zip(times.dropFirst(), times).map { $0 - $1 } }
        #expect(gaps.count == 190)
        // A machine that is busy makes them longer, none shorter: 190 draws of an exponential have a mean within 22 %.
        #expect(gaps.reduce(0, +) / 190 >= 0.06 * 0.7)
        // They differ, from iteration to iteration and from user to user.
        #expect(Set(gaps.map { Int($0 * 1e4) }).count > 20)
        if think.hasPrefix("normal") { #expect(gaps.min()! >= 0.03) }
        if think.hasPrefix("uniform") { #expect(gaps.min()! >= 0.04) }
    }
}

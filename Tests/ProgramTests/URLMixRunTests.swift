import Foundation
import TestSupport
import Testing

/// Several URLs in one run, by weight or with models of their own, on a real server.
@Suite(.serialized) struct URLMixRunTests {
    private struct Run {
        let outcome: ChildProcess.Outcome
        let written: Written
        let log: [String]

        /// Good iterations by scenario.
        func iterations() throws -> [String: Int] {
            try written.list("scenarios").reduce(into: [:]) { counts, scenario in
                counts[scenario["name"] as? String ?? ""] = (scenario["iterations"] as? [String: Int])?["ok"]
            }
        }

        /// Requests by method and path, as the server's log has them.
        func requests(_ words: String) -> Int { log.count { $0.hasPrefix(words + " ") } }
    }

    private func run(
        _ requests: Int, _ nginx: Nginx, _ arguments: [String], file: String? = nil
    ) async throws -> Run {
        let directory = try TemporaryDirectory()
        let (json, stream) = (directory.path + "/summary.json", directory.path + "/hits.ndjson")
        let plan = try file.map { ["--config", try directory.write($0, to: "loads.yml")] } ?? []
        let outcome = try await Program.run(plan + arguments + ["--json", json, "--stream", stream])
        try #require(FileManager.default.fileExists(atPath: json), "\(outcome.output)\(outcome.errors)")
        let log = try await nginx.accessLog(atLeast: requests)
        return Run(outcome: outcome, written: try Written(json: json, stream: stream), log: log)
    }

    @Test func eachIterationDrawsOneOfTheURLs() async throws {
        let nginx = try await Nginx()
        let run = try await run(
            200, nginx, [nginx.url + "/", nginx.url + "/empty", "-c", "4", "-n", "50", "--seed", "7"])
        await nginx.stop()
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        let empty = run.requests("GET /empty")
        #expect(run.log.count == 200 && (1..<200).contains(empty))
        #expect(try run.iterations() == [nginx.url + "/": 200 - empty, nginx.url + "/empty": empty])
        #expect(run.outcome.output.contains("GET /empty"), "\(run.outcome.output)")
        try await run.written.checkSchema()
    }

    @Test func urlsHaveWeightsHeadersAndNames() async throws {
        let nginx = try await Nginx()
        let run = try await run(
            300, nginx, [],
            file: """
                users: 3
                iterations: 100
                seed: 11
                header: "X-All: yes"
                scenarios:
                  - target: \(nginx.url)/
                    weight: 9
                  - target: \(nginx.url)/basic/
                    header: "Authorization: Basic dGFyZWs6c2VjcmV0"
                    name: signed in
                """)
        await nginx.stop()
        // Without its header it would have answered 401.
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        let basic = run.requests("GET /basic/")
        #expect(run.log.count == 300 && (1..<150).contains(basic), "\(basic)")
        #expect(try run.iterations() == [nginx.url + "/": 300 - basic, "signed in": basic])
        let names = Dictionary(grouping: run.written.lines) { $0["name"] as? String ?? "" }.mapValues(\.count)
        #expect(names == ["GET /": 300 - basic, "signed in": basic])
    }

    @Test func urlsHaveModelsOfTheirOwn() async throws {
        let nginx = try await Nginx()
        let run = try await run(
            66, nginx, [],
            file: """
                scenarios:
                  - target: \(nginx.url)/
                    rate: 40/s
                    duration: 1s
                  - target: \(nginx.url)/empty
                    users: 2
                    iterations: 10
                    start: 300ms
                  - target: \(nginx.url)/empty
                    method: HEAD
                    users: 1
                    iterations: 6
                """)
        await nginx.stop()
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.log.count == 66)
        #expect(
            try run.iterations() == [
                nginx.url + "/": 40, nginx.url + "/empty": 20, "HEAD \(nginx.url)/empty": 6,
            ])
        let front = try run.written.list("scenarios").first { $0["name"] as? String == nginx.url + "/" }
        #expect((front?["arrivals"] as? [String: Int])?["planned"] == 40)
        let starts = run.written.lines.filter { $0["name"] as? String == "GET /empty" }
            .compactMap { ($0["t"] as? NSNumber)?.doubleValue }
        #expect(starts.count == 20 && starts.min() ?? 0 >= 0.3)
    }

    /// Its runner knows it by its URL alone.
    @Test func aMixMayHaveOneURLWithAName() async throws {
        let nginx = try await Nginx()
        let run = try await run(
            10, nginx, [],
            file: """
                scenarios:
                  - target: \(nginx.url)/empty
                    method: HEAD
                    name: front
                    users: 2
                    iterations: 3
                  - target: \(nginx.url)/empty
                    method: HEAD
                    name: front
                    users: 1
                    iterations: 4
                """)
        await nginx.stop()
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.requests("HEAD /empty") == 10 && run.log.count == 10)
    }

    /// A failed hit fails the run, whichever URL's it is.
    @Test func whatFailsIsTheScenarios() async throws {
        let nginx = try await Nginx()
        let run = try await run(
            20, nginx, [nginx.url + "/", nginx.url + "/missing", "-n", "20", "--seed", "3"])
        await nginx.stop()
        #expect(run.outcome.status == 1)
        let missing = run.requests("GET /missing")
        let scenarios = try run.written.list("scenarios")
        let failed = scenarios.first { $0["name"] as? String == nginx.url + "/missing" }
        #expect((failed?["iterations"] as? [String: Int])?["failed"] == missing && missing > 0)
        #expect(try run.iterations()[nginx.url + "/"] == 20 - missing)
    }
}

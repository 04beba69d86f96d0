import Foundation
import TestSupport
import Testing

/// Rows of files, checks that do not hold, and tags, as tests of the fixture package have them.
@Suite(.serialized) struct MeasuredRunTests {
    private struct Run {
        let outcome: ChildProcess.Outcome
        let written: Written
        let log: [String]

        /// The rows that were asked for, sorted.
        var rows: [Int] {
            log.compactMap { line in
                line.firstRange(of: "?row=").flatMap { Int(line[$0.upperBound...].prefix { $0 != " " }) }
            }.sorted()
        }

        func named(_ list: String) throws -> [String: [String: Any]] {
            Dictionary(uniqueKeysWithValues: try written.list(list).map { (try #require($0["name"] as? String), $0) })
        }
    }

    private func run(_ arguments: [String], requests: Int, status: Int32 = 0) async throws -> Run {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let outcome = try await Program.run(
            ["--package", Program.site, "--server-url", nginx.url, "--json", json] + arguments)
        let log = try await nginx.accessLog(atLeast: requests)
        await nginx.stop()
        #expect(outcome.status == status, "\(outcome.output)\(outcome.errors)")
        try #require(FileManager.default.fileExists(atPath: json), "\(outcome.output)\(outcome.errors)")
        let written = try Written(json: json)
        try await written.checkSchema()
        return Run(outcome: outcome, written: written, log: log)
    }

    @Test func rowsBeginAgainUnlessOneSaysOtherwise() async throws {
        let run = try await run(["SiteTests.Rows/beginAgain", "-c", "3", "-n", "10"], requests: 30)
        // Ten rows, dealt out three times, whoever asked.
        #expect(run.rows == (0..<30).map { $0 / 3 })
        #expect(try run.written.number("iterations.ok") == 30)
    }

    @Test func randomRowsAreThoseOfTheSeed() async throws {
        let arguments = ["SiteTests.Rows/areDrawn", "-c", "4", "-n", "10", "--seed", "7"]
        let run = try await run(arguments, requests: 40)
        #expect(run.rows.count == 40 && run.rows.allSatisfy { (0..<10).contains($0) })
        // 40 draws of ten rows are no dealing out, and there are several of them.
        #expect(Set(run.rows).count > 3 && run.rows != (0..<40).map { $0 / 4 })
        #expect(try await self.run(arguments, requests: 40).rows == run.rows)
        let other = try await self.run(arguments.dropLast() + ["8"], requests: 40)
        #expect(other.rows != run.rows)
    }

    @Test func aCheckThatFailsFailsNoIterationAndTagsAreInTheNames() async throws {
        let run = try await run(["SiteTests.Measured/isTagged", "-c", "2", "-n", "8"], requests: 16)
        #expect(run.log.count == 16)
        #expect(try run.written.number("iterations.ok") == 16 && run.written.number("iterations.failed") == 0)
        // Iterations 0 and 4 of each user are the pro ones. The keys of tags stand in their order, in quotation marks what has a
        // space.
        let (pro, free) = (#"{from="the east",plan=pro}"#, #"{from="the east",plan=free}"#)
        let checks = try run.named("checks").mapValues { [$0["passed"] as? Int, $0["failed"] as? Int] }
        #expect(
            checks == [
                "has token" + pro: [0, 4], "has token" + free: [0, 12], "names its author{page=front}": [16, 0],
                "is pro": [4, 12],
            ])
        // It fails the steps around it.
        let steps = try run.named("steps").mapValues { [$0["count"] as? Int, $0["failed"] as? Int] }
        #expect(steps == ["look" + pro: [4, 0], "look" + free: [12, 12]])

        let metrics = try run.named("metrics")
        #expect(
            metrics["articles" + pro]?["sum"] as? Double == 12 && metrics["articles" + free]?["sum"] as? Double == 36)
        #expect(metrics["long{page=front}"]?["true"] as? Int == 16)
        #expect(metrics["turn{page=front}"]?["max"] as? Double == 7)
        let length = try #require(metrics["length{page=front}"])
        #expect(length["count"] as? Int == 16 && length["unit"] as? String == "bytes")
        #expect((length["values"] as? [String: Double])?["min"] == 1024)
        #expect(metrics.count == 5)
        for word in ["has token" + pro, "0 %: 0 of 4 passed", "names its author{page=front}"] {
            #expect(run.outcome.output.contains(word), "\(word): \(run.outcome.output)")
        }
    }

    @Test func aThresholdOnChecksDecides() async throws {
        let run = try await run(
            ["SiteTests.Measured/isTagged", "-n", "4", "--expect", "checks(is pro) > 99%"], requests: 4, status: 3)
        #expect(run.outcome.output.contains("checks(is pro) > 99%"), "\(run.outcome.output)")
    }
}

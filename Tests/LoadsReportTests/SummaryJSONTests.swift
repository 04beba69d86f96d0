import Foundation
import LoadsCore
import LoadsReport
import Testing

@Suite struct SummaryJSONTests {
    private func object(_ summary: Summary) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(summary.json())) as? [String: Any])
    }

    @Test func hasEveryFieldOfTheDocument() throws {
        let json = try object(Sample.fullSummary())
        #expect(json["schema"] as? Int == 1)
        let run = try #require(json["run"] as? [String: Any])
        #expect(run["id"] as? String == "r1")
        #expect(run["target"] as? String == "BlogTests.TestWebSite/something")
        #expect(run["started"] as? String == "2023-11-14T22:13:20.250Z")
        #expect(run["duration_s"] as? Double == 2)
        #expect(run["interrupted"] as? Bool == true)
        let hits = try #require(json["hits"] as? [String: Any])
        #expect(hits["count"] as? Int == 102)
        #expect(hits["failed"] as? Int == 2)
        #expect(hits["requests"] as? Int == 102)
        #expect(hits["rate_per_s"] as? Double == 51)
        let failures = try #require(json["failures"] as? [[String: Any]])
        #expect(failures.map { $0["at"] as? String } == ["Blog.swift:9", "Blog.swift:12"])
        let errors = try #require(json["errors"] as? [[String: Any]])
        #expect(errors.first?["kind"] as? String == "connect")
        let crash = try #require(json["crash"] as? [String: Any])
        #expect((crash["unreported"] as? [String: Int]) == ["started": 4, "ended": 3, "hits": 2])
    }

    @Test func hitsThatWereDroppedAreListedByAgent() throws {
        var summary = Sample.fullSummary()
        summary.agents = [AgentShare(id: "a", name: "a", users: 1), AgentShare(id: "b", name: "b", users: 1)]
        summary.agents[1].droppedHits = 5
        let agents = try #require(try object(summary)["agents"] as? [[String: Any]])
        #expect(agents.map { $0["dropped_hits"] as? Int } == [0, 5])
    }

    @Test func weightsAreWrittenWhereOneIsNotOne() throws {
        func weights(_ weights: [String: Int]) throws -> [String: Int]? {
            var mix = Sample.mix()
            mix.plan.weights = weights
            return try #require(try object(mix)["plan"] as? [String: Any])["weights"] as? [String: Int]
        }
        #expect(try weights(["Shop/buys": 3, "Shop/looks": 1]) == ["Shop/buys": 3, "Shop/looks": 1])
        #expect(try weights(["Shop/buys": 1, "Shop/looks": 1]) == nil)
        #expect(try weights([:]) == nil)
    }

    @Test func scenariosOfAMixAreListed() throws {
        #expect(try object(Sample.fullSummary())["scenarios"] == nil)
        let list = try #require(try object(Sample.mix(failed: 3))["scenarios"] as? [[String: Any]])
        #expect(list.map { $0["name"] as? String } == ["Shop/buys", "Shop/looks"])
        #expect(list.map { ($0["iterations"] as? [String: Int])?["failed"] } == [3, 0])
        #expect(
            (list[0]["arrivals"] as? [String: Int]) == ["planned": 13, "started": 10, "dropped": 3, "cancelled": 0])
        #expect(list[1]["arrivals"] == nil)
        let times = list.compactMap { $0["iteration_ms"] as? [String: Any] }
        #expect((times[0]["response"] as? [String: Any])?["max"] as? Double == 5)
        #expect(times[1]["response"] is NSNull && (times[1]["service"] as? [String: Any])?["max"] as? Double == 2)
    }

    @Test func stepsChecksAndMetricsAreListed() throws {
        let json = try object(Sample.summary(Sample.grouped()))
        let step = try #require((json["steps"] as? [[String: Any]])?.first)
        #expect(step["name"] as? String == "checkout" && step["count"] as? Int == 4 && step["failed"] as? Int == 1)
        #expect((step["duration_ms"] as? [String: Any])?["max"] as? Double == 40)
        let checks = try #require(json["checks"] as? [[String: Any]])
        #expect(checks.map { $0["name"] as? String } == ["has token", "is fast"])
        #expect(checks[0]["passed"] as? Int == 3 && checks[0]["failed"] as? Int == 1)
        let metrics = try #require(json["metrics"] as? [[String: Any]])
        let named = Dictionary(uniqueKeysWithValues: metrics.map { ($0["name"] as! String, $0) })
        #expect(named["articles"]?["sum"] as? Double == 2800)
        #expect(named["queue"]?["last"] as? Double == 4 && named["queue"]?["unit"] as? String == "jobs")
        #expect(named["cached"]?["true"] as? Int == 1 && named["cached"]?["share"] as? Double == 0.25)
        #expect((named["cart"]?["values"] as? [String: Double])?["max"] == 4.99)
        #expect(named["cart"]?["refused"] as? Int == 1)
        #expect(named["never"]?["last"] is NSNull && named["never"]?["refused"] as? Int == 1)
    }

    @Test func percentilesAreNearestRank() throws {
        let json = try object(Sample.summary(Sample.statistics((1...100).map { Sample.hit(milliseconds: Double($0)) })))
        let latency = try #require(json["latency_ms"] as? [String: Any])
        #expect(latency["min"] as? Double == 1)
        #expect(latency["mean"] as? Double == 50.5)
        #expect(latency["max"] as? Double == 100)
        for (key, value) in ["p50": 50.0, "p75": 75, "p90": 90, "p95": 95, "p99": 99, "p99_9": 100, "p99_99": 100] {
            #expect(abs(try #require(latency[key] as? Double) - value) <= value * 0.001, "\(key)")
        }
    }

    @Test func saysNullWhereNothingWasMeasured() throws {
        let json = try object(Sample.summary(Statistics()))
        #expect(json["latency_ms"] is NSNull)
        #expect((json["iteration_ms"] as? [String: Any])?["service"] is NSNull)
        #expect((json["names"] as? [Any])?.isEmpty == true)
        #expect(json["crash"] == nil)
    }

    /// The schema is judged by the `jsonschema` package of Python, where there is one: `bin/test` names a Python that
    /// has it in `LOADS_TEST_PYTHON`.
    @Test(
        .enabled(if: SchemaCheck.python != nil, "no Python with the jsonschema package"),
        arguments: ["full", "empty", "of a URL"])
    func followsTheSchema(_ kind: String) throws {
        let summary =
            switch kind {
            case "full": Sample.fullSummary()
            case "empty": Sample.summary(Statistics())
            default: Sample.summary(Sample.statistics([Sample.hit(milliseconds: 1)]), isURLTarget: true)
            }
        #expect(try SchemaCheck.complaint(about: summary.json()) == "")
    }

    @Test(.enabled(if: SchemaCheck.python != nil, "no Python with the jsonschema package"))
    func theSchemaRefusesASummaryWithoutItsHits() throws {
        var json = try object(Sample.fullSummary())
        json["hits"] = nil
        #expect(
            try SchemaCheck.complaint(about: [UInt8](JSONSerialization.data(withJSONObject: json))).contains("hits"))
    }
}

/// Judges documents by `Docs/summary.schema.json`.
enum SchemaCheck {
    static let python: String? = {
        let named = ProcessInfo.processInfo.environment["LOADS_TEST_PYTHON"]
        return [named, "/usr/bin/python3", "/usr/local/bin/python3"].compactMap(\.self).first {
            (try? run($0, ["-c", "import jsonschema"], [])) == ""
        }
    }()

    /// What is wrong with a document; empty when nothing is.
    static func complaint(about document: [UInt8]) throws -> String {
        let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Docs/summary.schema.json").path
        let program = """
            import json, sys, jsonschema
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            for error in jsonschema.Draft202012Validator(schema).iter_errors(json.load(sys.stdin)):
                print(list(error.path), error.message[:200])
            """
        return try run(python!, ["-c", program, schema], document)
    }

    private static func run(_ executable: String, _ arguments: [String], _ input: [UInt8]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        let (stdin, output) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try? stdin.fileHandleForWriting.write(contentsOf: Data(input))
        try? stdin.fileHandleForWriting.close()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: said, as: UTF8.self)
    }
}

import Foundation
import TestSupport
import Testing

/// What a run wrote with `--json` and `--stream`.
struct Written {
    let summary: [String: Any]
    let lines: [[String: Any]]
    /// As it was written: the file may have gone when it is looked at.
    private let text: String

    init(json: String, stream: String? = nil) throws {
        text = try String(contentsOfFile: json, encoding: .utf8)
        summary = try Self.object(Data(text.utf8))
        lines =
            try stream.map { path in
                try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
                    try Self.object(Data($0.utf8))
                }
            } ?? []
    }

    /// A value by its path: `hits.requests`.
    func value(_ path: String) -> Any? {
        path.split(separator: ".").reduce(summary as Any?) { ($0 as? [String: Any])?[String($1)] }
    }

    func number(_ path: String) throws -> Double { try #require((value(path) as? NSNumber)?.doubleValue, "\(path)") }

    /// The objects of a list: `generator.blocked_by`.
    func list(_ path: String) throws -> [[String: Any]] { try #require(value(path) as? [[String: Any]], "\(path)") }

    /// Compares the summary's percentiles, which come from histograms, with the nearest rank over the raw samples.
    func comparePercentiles() throws {
        let samples = try lines.map { try #require(($0["ms"] as? NSNumber)?.doubleValue) }.sorted()
        let exact: [String: Double] = ["min": samples[0], "max": samples[samples.count - 1]]
        for (key, value) in exact { #expect(try number("latency_ms.\(key)") == value) }
        let mean = samples.reduce(0, +) / Double(samples.count)
        // Written with six decimals, so half of the last one may be missing.
        #expect(abs(try number("latency_ms.mean") - mean) < max(mean * 1e-6, 1e-6))
        for (key, fraction) in ["p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999] {
            let value = samples[max(1, Int((fraction * Double(samples.count)).rounded(.up))) - 1]
            #expect(abs(try number("latency_ms.\(key)") - value) <= value * 0.001, "\(key)")
        }
    }

    /// Holds the summary against the schema in the documentation, by the Python that `bin/test` names. Without it nothing
    /// is checked.
    func checkSchema() async throws {
        guard let python = ProcessInfo.processInfo.environment["LOADS_TEST_PYTHON"] else { return }
        let script = """
            import json, sys, jsonschema
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            jsonschema.validate(json.load(sys.stdin), schema)
            """
        let outcome = try await ChildProcess.run(
            [python, "-c", script, Program.repository + "/Docs/summary.schema.json"], input: text)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    private static func object(_ data: Data) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
}

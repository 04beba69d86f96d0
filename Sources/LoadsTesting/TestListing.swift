import Foundation
import Testing

/// What `loads list` reads: one JSON object a line for each test of the process, on standard output.
enum TestListing {
    struct Line: Encodable {
        /// As on the command line: `Module.Suite/test`.
        var id: String
        /// `swift-testing` or `xctest`.
        var kind: String
        var parameterized = false
        var tags: [String] = []
        /// Why it never runs, if that is certain without running anything: `.disabled("…")`.
        var disabled: String?
        var file: String?
        var line: Int?
        /// Whether something is to be set up once for the whole run.
        var setUp: Bool?
    }

    static func write(_ cases: [CaseScenario]) async {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let tests = await TestDiscovery.allTests()
        var lines = TestIdentifier.all(of: tests).map { line(of: $0.test, $0.identifier, tests) }
        lines += cases.map {
            Line(
                id: $0.identifier, kind: "xctest", setUp: WantedSetUps.of($0.testClass).isEmpty ? nil : true)
        }
        lines.sort { $0.id < $1.id }
        for line in lines {
            guard let json = try? encoder.encode(line) else { continue }
            FileHandle.standardOutput.write(json + Data("\n".utf8))
        }
    }

    private static func line(of test: Test, _ identifier: String, _ tests: [Test]) -> Line {
        let around = tests.filter { $0.isSuite && $0.id.contains(test.id) }
        let traits = (around + [test]).flatMap(\.traits)
        return Line(
            id: identifier, kind: "swift-testing", parameterized: test.isParameterized,
            tags: Set((around + [test]).flatMap { $0.tags.map { "\($0)" } }).sorted(),
            disabled: traits.lazy.compactMap { $0 as? ConditionTrait }.compactMap(reason).first,
            file: test.sourceLocation.fileID, line: test.sourceLocation.line,
            setUp: WantedSetUps.of(test, in: tests).isEmpty ? nil : true)
    }

    /// Why an unconditional condition is false; nil if it is true, or must be evaluated.
    private static func reason(_ condition: ConditionTrait) -> String? {
        // `kind` is not public; without it the test is listed as if it were enabled.
        let kind = Mirror(reflecting: condition).children.first { $0.label == "kind" }?.value
        guard let kind, let constant = Mirror(reflecting: kind).children.first, constant.label == "unconditional",
            constant.value as? Bool == false
        else { return nil }
        return condition.comments.map(\.rawValue).joined(separator: ", ")
    }
}

import Foundation
import TestSupport
import Testing

/// The command `loads` as it was built, run as a process.
enum Program {
    /// `bin/test` names the release build; without it, it is what was built beside the tests.
    static let path: String = {
        if let named = ProcessInfo.processInfo.environment["LOADS_TEST_BINARY"] { return named }
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("loads").path
    }()

    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// The example package.
    static let blog = repository + "/Examples/Blog"

    static func start(_ arguments: [String], environment: [String: String?] = [:]) throws -> ChildProcess {
        try ChildProcess([path] + arguments, environment: environment)
    }

    /// Runs it to its end. Building the example takes a minute or two.
    static func run(_ arguments: [String], environment: [String: String?] = [:]) async throws -> ChildProcess.Outcome {
        try await start(arguments, environment: environment).outcome(timeout: .seconds(600))
    }
}

/// What a run wrote with `--json` and `--stream`.
struct Written {
    let summary: [String: Any]
    let lines: [[String: Any]]

    init(json: String, stream: String? = nil) throws {
        summary = try Self.object(Data(contentsOf: URL(fileURLWithPath: json)))
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

    private static func object(_ data: Data) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
}

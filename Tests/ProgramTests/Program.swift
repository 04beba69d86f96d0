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
    /// The example with steps, checks, metrics and data.
    static let shop = repository + "/Examples/Shop"
    /// The fixture package whose tests redirect, block and linger.
    static let site = repository + "/Tests/Fixtures/Site"

    static func start(_ arguments: [String], environment: [String: String?] = [:]) throws -> ChildProcess {
        try ChildProcess([path] + arguments, environment: environment)
    }

    /// Runs it to its end. Building the example takes a minute or two.
    static func run(_ arguments: [String], environment: [String: String?] = [:]) async throws -> ChildProcess.Outcome {
        try await start(arguments, environment: environment).outcome(timeout: .seconds(600))
    }
}

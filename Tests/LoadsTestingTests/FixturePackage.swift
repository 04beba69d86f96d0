import Foundation

/// The fixture package `Kinds`, built with Loads and without it, once for all tests.
enum FixturePackage {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let withLoads = Result { try build(withLoads: true) }
    static let withoutLoads = Result { try build(withLoads: false) }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let path = root + "/Tests/Fixtures/Kinds"

    /// - Returns: The test executable. In debug mode: it builds in a third of the time.
    private static func build(withLoads: Bool) throws -> String {
        let scratch = path + (withLoads ? "/.build-loads" : "/.build-plain")
        let result = run(
            [
                "swift", "build", "--build-tests", "--disable-build-manifest-caching", "--package-path", path,
                "--scratch-path", scratch,
            ],
            environment: withLoads ? [:] : ["KINDS_WITHOUT_LOADS": "1"])
        guard result.code == 0 else { throw Failure(description: result.output) }
        return scratch + "/debug/KindsPackageTests.xctest"
    }

    /// Runs a command to its end; blocks the thread.
    static func run(_ arguments: [String], environment: [String: String] = [:]) -> (code: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        do { try process.run() } catch { return (-1, "\(error)") }
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}

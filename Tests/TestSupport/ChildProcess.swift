import Foundation
import Glibc
import Synchronization

/// A process started by a test: its output goes to files, so that it can never block on us.
///
/// It leads a process group of its own, which is killed by ``kill(_:)``, by a time-out, and when the test run ends.
public final class ChildProcess: Sendable {
    /// How a process ended.
    public struct Outcome: Sendable {
        /// The exit code; 128 + the signal's number when a signal ended it.
        public let status: Int32
        public let output: String
        public let errors: String
    }

    public let identifier: Int32
    public let outputFile: String
    public let errorsFile: String
    private let name: String
    private let status = Mutex<Int32?>(nil)
    private let directory: TemporaryDirectory

    /// Starts a process.
    ///
    /// - Parameters:
    ///   - arguments: The program (found in PATH) and its arguments.
    ///   - environment: Variables in addition to this process's own; nil values remove one.
    ///   - directory: Where it runs; this process's own by default.
    ///   - input: What it reads from standard input; empty by default.
    public init(
        _ arguments: [String], environment: [String: String?] = [:], directory: String? = nil, input: String = ""
    ) throws {
        self.directory = try TemporaryDirectory(prefix: "process")
        outputFile = self.directory.path + "/output"
        errorsFile = self.directory.path + "/errors"
        name = arguments.joined(separator: " ")
        let inputFile = self.directory.path + "/input"
        try Data(input.utf8).write(to: URL(fileURLWithPath: inputFile))
        let read = open(inputFile, O_RDONLY | O_CLOEXEC)
        let output = open(outputFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        let errors = open(errorsFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        defer {
            close(read)
            close(output)
            close(errors)
        }
        var variables = ProcessInfo.processInfo.environment
        // A test of the engine sets a proxy that nobody answers at; curl and others would use it.
        for name in ["http_proxy", "https_proxy", "all_proxy"] { variables[name] = nil }
        for (key, value) in environment { variables[key] = value }
        identifier = try Spawn.process(
            arguments, environment: variables, directory: directory, input: read, output: output, errors: errors)
        Watchdog.started(group: identifier)
    }

    /// Runs a program to its end. See ``init(_:environment:directory:input:)``.
    ///
    /// - Parameter timeout: When it is killed; then this throws, with what it has printed.
    public static func run(
        _ arguments: [String], environment: [String: String?] = [:], directory: String? = nil, input: String = "",
        timeout: Duration = .seconds(180)
    ) async throws -> Outcome {
        try await ChildProcess(arguments, environment: environment, directory: directory, input: input)
            .outcome(timeout: timeout)
    }

    /// Runs a program that must succeed, and returns what it printed.
    @discardableResult
    public static func succeed(
        _ arguments: [String], environment: [String: String?] = [:], directory: String? = nil, input: String = "",
        timeout: Duration = .seconds(180)
    ) async throws -> String {
        let outcome = try await run(
            arguments, environment: environment, directory: directory, input: input, timeout: timeout)
        guard outcome.status == 0 else {
            throw SupportError(
                "\(arguments.joined(separator: " ")) ended with \(outcome.status)\n\(outcome.output)\(outcome.errors)")
        }
        return outcome.output
    }

    /// What it has printed so far.
    public var output: String { Self.text(outputFile) }
    /// What it has printed to standard error so far.
    public var errors: String { Self.text(errorsFile) }

    /// The exit code, or nil while it runs.
    public var exitStatus: Int32? {
        status.withLock { status in
            if let known = status { return known }
            var raw: Int32 = 0
            guard waitpid(identifier, &raw, WNOHANG) == identifier else { return nil }
            Watchdog.ended(group: identifier)
            let signal = raw & 0x7f
            let code = signal == 0 ? (raw >> 8) & 0xff : 128 + signal
            status = code
            return code
        }
    }

    /// Sends a signal to the process alone.
    public func signal(_ number: Int32) { _ = Glibc.kill(identifier, number) }

    /// Sends a signal to the process and everything in its group.
    public func kill(_ number: Int32 = 9) {
        if exitStatus == nil { _ = Glibc.kill(-identifier, number) }
    }

    /// Kills the process and everything in its group, and returns when it is gone: what it had locked is free by then.
    public func killed() async {
        kill()
        while exitStatus == nil { try? await Task.sleep(for: .milliseconds(1)) }
    }

    /// Waits for the end.
    public func outcome(timeout: Duration = .seconds(180)) async throws -> Outcome {
        let deadline = ContinuousClock.now + timeout
        while true {
            if let status = exitStatus { return Outcome(status: status, output: output, errors: errors) }
            if ContinuousClock.now > deadline {
                kill()
                throw SupportError("\(name) did not end within \(timeout)\n\(output)\(errors)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Ends a server: SIGTERM, then SIGKILL after two seconds.
    public func stop() async {
        kill(SIGTERM)
        for _ in 0..<200 where exitStatus == nil { try? await Task.sleep(for: .milliseconds(10)) }
        kill()
        while exitStatus == nil { try? await Task.sleep(for: .milliseconds(5)) }
    }

    /// Waits until a condition holds, and says what the process printed if it never does.
    public func wait(for what: String, timeout: Duration = .seconds(60), _ condition: () async -> Bool) async throws {
        let deadline = ContinuousClock.now + timeout
        while true {
            // Before the condition is looked at: what it says last, it says before its end.
            let (ended, isLate) = (exitStatus, ContinuousClock.now > deadline)
            if await condition() { return }
            if let ended { throw SupportError("\(name) ended with \(ended)\n\(output)\(errors)") }
            if isLate { throw SupportError("\(name): no \(what) within \(timeout)\n\(output)\(errors)") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

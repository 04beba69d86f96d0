import Foundation

/// httpbin from PyPI, served by gunicorn. `bin/test` makes the virtual environment and names its Python in
/// `LOADS_TEST_PYTHON`.
public final class Httpbin: Sendable {
    /// One httpbin for the whole test run.
    public static var shared: Httpbin { get async throws { try await sharedTask.value } }
    private static let sharedTask = Task { try await Httpbin() }

    public let port: Int
    /// `http://127.0.0.1:PORT`
    public var url: String { "http://127.0.0.1:\(port)" }
    private let process: ChildProcess

    /// Starts it and waits until it answers.
    public init() async throws {
        guard let python = ProcessInfo.processInfo.environment["LOADS_TEST_PYTHON"] else {
            throw SupportError("httpbin is not there: run the tests with bin/test, which installs it")
        }
        let port = try Ports.free()
        self.port = port
        process = try ChildProcess(
            [
                python, "-m", "gunicorn", "--bind", "127.0.0.1:\(port)", "--worker-class", "gthread", "--threads", "16",
                "--keep-alive", "60", "--timeout", "120", "httpbin:app",
            ], environment: ["PYTHONDONTWRITEBYTECODE": "1"])
        try await process.wait(for: "answer") { Ports.answers(port) }
    }

    /// Ends it. Without this call it ends with the test run.
    public func stop() async { await process.stop() }
}

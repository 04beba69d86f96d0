import Foundation
import TestSupport
import Testing

/// The examples in `Clients/`, started as they say they are.
@Suite struct ExampleTests {
    @Test(arguments: ["python/examples/checkout.py", "node/examples/checkout.mjs"])
    func runsAsItsFirstLinesSay(_ example: String) async throws {
        let server = try ChildProcess([Program.path, "test-server", "--port", "0"])
        try await server.wait(for: "the server's URL") { server.output.contains("\n") }
        let port = try #require(server.output.firstMatch(of: /http:\/\/127\.0\.0\.1:(\d+)/)?.1)

        #expect(try command("A server for it:", of: example) == "loads test-server --port 8080")
        let once = try await run(try command("Once, to try it:", of: example), example, port: String(port))
        #expect(once.status == 0, "\(once.output)\(once.errors)")
        #expect(once.output.contains("article "), "\(once.output)")

        let load = try await run(try command("Under load:", of: example), example, port: String(port))
        #expect(load.status == 0, "\(load.output)\(load.errors)")
        #expect(load.output.contains("10 users × 10 iterations"), "\(load.output)")

        // Both requests of one iteration, and of a hundred.
        let counts = try await ChildProcess.run(["curl", "-s", "http://127.0.0.1:\(port)/counts"])
        #expect(counts.output.contains("\"/\":202"), "\(counts.output)")
        await server.stop()
    }

    /// The rest of the line that begins with a word.
    private func command(_ label: String, of example: String) throws -> String {
        let text = try String(contentsOfFile: "\(Clients.path)/\(example)", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.contains(label) })
        let range = try #require(line.range(of: label))
        return line[range.upperBound...].trimmingCharacters(in: .whitespaces)
    }

    private func run(_ command: String, _ example: String, port: String) async throws -> ChildProcess.Outcome {
        let folder = URL(fileURLWithPath: "\(Clients.path)/\(example)").deletingLastPathComponent().path
        let line = command.replacingOccurrences(of: ":8080", with: ":\(port)")
        return try await ChildProcess.run(
            ["/bin/sh", "-c", "loads() { '\(Program.path)' \"$@\"; }; \(line)"], directory: folder,
            timeout: .seconds(300))
    }
}

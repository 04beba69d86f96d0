import ArgumentParser
import Foundation
import LoadsAgent
import LoadsCore
import LoadsReport
import LoadsTestServer

/// `loads demo`: a newcomer's first run, on a server of its own.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Run the example's test with 10 users against a server on this machine.")

    /// What the demo runs.
    static let test = "BlogTests.TestWebSite/something"

    func run() async throws {
        guard let package = Self.example else {
            throw Refusal(
                .nothingToRun,
                "the example package is not there: run bin/loads demo in a clone of Loads, or set LOADS_HOME to one")
        }
        let server: TestServer
        do {
            server = try TestServer()
        } catch {
            throw Refusal(.fault, "the demo's server cannot start: \(error)")
        }
        let console = Console()
        console.progress(
            "A blog answers at \(server.url)/. This test runs against it, as \(Self.phrase):\n\n\(Self.source(in: package))"
        )
        var settings = Settings()
        for (name, text) in [
            ("target", Self.test), ("package", package), ("server-url", server.url), ("users", "10"),
            ("duration", "3s"),
        ] {
            settings.add(name, text, label: name)
        }
        let status = try await RunCommand.carryOut(try CheckedRun(settings), console)
        await server.stop()
        console.write(Self.nextSteps(package: package))
        if status != .passed { Foundation.exit(status.rawValue) }
    }

    private static let phrase = "10 users do for 3 seconds"

    /// The test as the example has it, indented.
    private static func source(in package: String) -> String {
        let path = package + "/Tests/BlogTests/TestWebSite.swift"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return "    \(test)\n" }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(where: { $0.contains("func something()") }),
            let end = lines[start...].firstIndex(where: { $0 == "    }" })
        else { return "    \(test)\n" }
        return lines[start...end].joined(separator: "\n") + "\n"
    }

    static func nextSteps(package: String) -> String {
        """

        Next:
          1. one URL, no test at all:
             bin/loads http://127.0.0.1:8080/ -c 50 -d 10s
          2. this test against a server of yours, every hit as a line of JSON:
             bin/loads \(test) --package Examples/Blog --server-url http://127.0.0.1:8080 \\
                 -c 10 -n 10 --stream hits.ndjson
          3. your own tests: add LoadsSession and LoadsTesting to the test target, as
             \(package)/Package.swift does; then, in your package,
             bin/loads list, and bin/loads Module.Suite/test -c 10 -n 10

        """
    }

    /// The folder of the example package: below `LOADS_HOME`, or above this program.
    private static var example: String? {
        var folders: [String] = []
        if let home = ProcessInfo.processInfo.environment["LOADS_HOME"], !home.isEmpty { folders.append(home) }
        var folder = URL(fileURLWithPath: ProgramPath.ownExecutable).deletingLastPathComponent()
        while folder.path != "/" {
            folders.append(folder.path)
            folder.deleteLastPathComponent()
        }
        return folders.map { $0 + "/Examples/Blog" }.first {
            FileManager.default.fileExists(atPath: $0 + "/Package.swift")
        }
    }
}

import ArgumentParser
import Foundation
import LoadsCore
import LoadsPackage
import LoadsReport

/// `loads list`: what can be run.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the tests that can be run.")

    @Option(help: ArgumentHelp("The package with the tests (default: here).", valueName: "path"))
    var package = "."
    @Flag(help: "As a JSON array.")
    var json = false
    @Flag(help: "No progress.")
    var quiet = false

    func run() async throws {
        let console = Console(quiet: quiet)
        let (package, tests) = try await Preparation(console: console).tests(of: package)
        guard !tests.isEmpty else {
            throw Refusal(.nothingToRun, "nothing to run: the package \(package.path) has no tests")
        }
        console.write(json ? Self.json(tests) : Self.text(tests))
    }

    static func text(_ tests: [TestEntry]) -> String {
        tests.map { test in
            var notes: [String] = []
            if test.parameterized { notes.append("parameterized") }
            if let reason = test.disabled { notes.append(reason.isEmpty ? "disabled" : "disabled: \(reason)") }
            return test.id + (notes.isEmpty ? "" : "  (\(notes.joined(separator: "; ")))") + "\n"
        }.joined()
    }

    static func json(_ tests: [TestEntry]) -> String {
        var json = JSONWriter(indent: 2)
        json.beginArray()
        for test in tests {
            json.object { json in
                json.key("id")
                json.value(test.id)
                json.key("kind")
                json.value(test.kind.rawValue)
                json.key("parameterized")
                json.value(test.parameterized)
                json.array("tags") { json in for tag in test.tags { json.value(tag) } }
                json.key("disabled")
                json.value(test.disabled)
                json.key("file")
                json.value(test.file)
                json.key("line")
                json.value(test.line)
            }
        }
        json.endArray()
        json.newline()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

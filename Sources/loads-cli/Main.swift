import ArgumentParser
import Foundation
import LoadsCore

/// The command `loads`.
@main struct Loads: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loads",
        abstract: "Runs the Swift tests a team already has, or URLs, as a load test.",
        version: "loads \(VersionCommand.version)",
        subcommands: [
            RunCommand.self, SizeCommand.self, ListCommand.self, CompareCommand.self, DemoCommand.self,
            StatusCommand.self,
            AttachCommand.self,
            StopCommand.self, AdjustCommand.self, LogsCommand.self, KeysCommand.self, VersionCommand.self,
            URLRunnerCommand.self, TestServerCommand.self, ConformanceCommand.self, ConformanceRunnerCommand.self,
        ],
        defaultSubcommand: RunCommand.self)

    static func main() async {
        // A reader that goes away is an error to be reported, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot(expanded(Array(CommandLine.arguments.dropFirst())))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as UsageError {
            fail(error.problems.map { "loads: \($0)" }.joined(separator: "\n"), .usage)
        } catch let refusal as Refusal {
            Console().note("loads: \(refusal.message)")
            Foundation.exit(refusal.status)
        } catch {
            exit(withError: error)
        }
    }

    /// The arguments, with each word behind `--` as the value of a `--command`: the parser knows one list of words only,
    /// and that is the targets.
    static func expanded(_ arguments: [String]) -> [String] {
        guard let dashes = arguments.firstIndex(of: "--") else { return arguments }
        return arguments[..<dashes]
            + arguments[(dashes + 1)...].flatMap { word in
                // Joined, so that a word may begin with a dash; nothing can be joined to nothing.
                word.isEmpty ? ["--command", word] : ["--command=" + word]
            }
    }

    private static func fail(_ message: String, _ status: ExitStatus) -> Never {
        Console().note(message)
        Foundation.exit(status.rawValue)
    }
}

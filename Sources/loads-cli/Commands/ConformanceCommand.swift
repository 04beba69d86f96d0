import ArgumentParser
import Foundation
import LoadsConformance
import LoadsCore

/// `loads conformance --agent COMMAND`: plays the master against an agent.
struct ConformanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance", abstract: "Checks whether an agent speaks the wire protocol.",
        discussion: """
            The command is started once for each check, with --master tcp://127.0.0.1:PORT appended. Exit code 0: \
            every check is passed; 1: at least one is not.
            """)

    @Option(name: .long, help: ArgumentHelp("How the agent is started, as a shell takes it.", valueName: "command"))
    var agent: String?

    @Flag(name: .long, help: "The agent takes --keys DIR and --id ID: check it over CURVE, too.")
    var keys = false

    @Flag(name: .long, help: "The agent takes --data DIR: check that one which was killed goes on with its results.")
    var data = false

    @Option(name: .long, help: ArgumentHelp("Only checks whose names contain this.", valueName: "text"))
    var only = ""

    @Option(name: .long, help: ArgumentHelp("How many checks at a time.", valueName: "n"))
    var jobs = 4

    @Flag(name: .long, help: "Print the names of the checks and end.")
    var list = false

    func run() async throws {
        let console = Console()
        if list {
            for name in Conformance.names { console.write(name + "\n") }
            return
        }
        guard let agent, !agent.isEmpty else {
            throw UsageError([
                "--agent is missing: how the agent is started (try --agent 'python3 -m loads.agent')"
            ])
        }
        guard (1...64).contains(jobs) else { throw UsageError(["--jobs \(jobs): not a number from 1 to 64"]) }
        let kit = Conformance(
            command: agent, messagesProgram: Self.ownExecutable.map { [$0, ConformanceRunnerCommand.name] },
            keys: keys, data: data)
        let results = await kit.run(matching: only, jobs: jobs) { result in
            for line in Self.lines(result) { console.write(line + "\n") }
        }
        guard !results.isEmpty else { throw UsageError(["--only \(only): no check is named like that (see --list)"]) }
        func count(_ condition: (CheckResult.Outcome) -> Bool) -> Int { results.count { condition($0.outcome) } }
        let failed = count { if case .failed = $0 { true } else { false } }
        let skipped = count { if case .skipped = $0 { true } else { false } }
        console.write("\(results.count) checks: \(count { $0 == .ok }) ok, \(failed) failed, \(skipped) skipped" + "\n")
        if failed > 0 { Foundation.exit(ExitStatus.failures.rawValue) }
    }

    private static func lines(_ result: CheckResult) -> [String] {
        switch result.outcome {
        case .ok: return ["ok       \(result.name)"]
        case .skipped(let reason): return ["skipped  \(result.name): \(reason)"]
        case .failed(let expected, let came):
            return [
                "FAILED   \(result.name)", "         expected  \(expected)", "         came      \(came)",
                "         see       Docs/WireProtocol.md, \(result.chapter)",
            ]
        }
    }

    private static var ownExecutable: String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }
}

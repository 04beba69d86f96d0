import ArgumentParser
import Foundation
import LoadsCore

/// `loads size TARGET --expect …`: finds the largest load that keeps to the thresholds.
struct SizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "size", abstract: "Find the most load that a target bears under given thresholds.",
        discussion: """
            loads size http://127.0.0.1:8080/ --expect 'p95 < 200ms' --expect 'errors < 1%'

            Runs the target again and again, each time for --duration (10s): with twice the users until a threshold \
            breaks, then with fewer and more until the limit is found, and once more to confirm it. --users is the first \
            number; with --rate it is arrivals a second. Exit codes: 0 a load was found that is borne, 3 the target does not \
            bear even the smallest, 4 nothing can be said of the target, or with --strict: its limit was not found; others as \
            those of `loads run`.
            """)

    @OptionGroup var options: RunOptions
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most users, or arrivals a second, that are tried (default 10000).", valueName: "n"))
    var to: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How near the limit is to be found, in per cent of it (default 5%).", valueName: "share"))
    var precision: String?

    func run() async throws {
        let request = try SizeRequest(options.request(), to: to, precision: precision)
        let run = request.run
        let console = Console(quiet: run.quiet, color: run.color, results: run.outputs.useStandardOutput ? 2 : 1)
        let outputs = try Outputs(run.outputs)
        let interrupts = Interrupts { _ in
            console.note("interrupted before the start: nothing was run")
            outputs.discard()
            Foundation.exit(ExitStatus.interrupted.rawValue)
        }
        let status: ExitStatus
        do {
            let runner = try await Preparation(console: console).runner(for: run)
            status = try await SizeRun(
                request: request, runner: runner, console: console, outputs: outputs, interrupts: interrupts
            ).carryOut()
        } catch {
            outputs.discard()
            throw error
        }
        if status != .passed { Foundation.exit(status.rawValue) }
    }
}

import ArgumentParser
import Foundation
import LoadsClient
import LoadsCore
import LoadsWire

/// `loads attach RUN`: watches a run on agents from wherever it is, and reports it at the end.
struct AttachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Show a run on a master's agents as if it had been started here.",
        discussion: "A run that is over is reported at once. Exit codes are those of the run.")

    @Argument(help: "The run, as `loads status` names it.", transform: RunName.read) var run: String
    @Option(help: ArgumentHelp("Write the summary as JSON.", valueName: "file")) var json: String?
    @Option(
        help: ArgumentHelp(
            "Write every hit from now on as a line of JSON; - is standard output.", valueName: "file"))
    var stream: String?
    @Flag(help: "No progress.") var quiet = false
    @Flag(help: "Exit code 4 unless the numbers can be trusted and all thresholds judged.") var strict = false
    @OptionGroup(title: "Further outputs") var outputs: OutputOptions
    @OptionGroup var options: MasterOptions

    func run() async throws {
        var settings = Settings()
        settings.add("json", json, label: "--json")
        settings.add("stream", stream, label: "--stream")
        outputs.add(to: &settings)
        var read = Readings()
        let asked = CheckedOutputs(settings, &read)
        guard read.problems.isEmpty else { throw UsageError(read.problems) }
        let console = Console(quiet: quiet, results: asked.useStandardOutput ? 2 : 1)
        let outputs = try Outputs(asked)
        let interrupts = Interrupts { _ in
            outputs.discard()
            Foundation.exit(ExitStatus.interrupted.rawValue)
        }
        let status: ExitStatus
        do {
            status = try await options.withClient { client in
                let snapshot = try await client.snapshot(run: run)
                return try await Attachment(
                    run: run, target: snapshot.submission.target, plan: snapshot.submission.order.plan,
                    console: console, outputs: outputs, interrupts: interrupts, strict: strict,
                    words: self.options.words
                ).follow(client)
            }
        } catch {
            outputs.discard()
            throw error
        }
        if status != .passed { Foundation.exit(status.rawValue) }
    }
}

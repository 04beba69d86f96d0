import ArgumentParser
import Foundation
import LoadsCore
import LoadsReport

/// `loads compare A.json B.json`: what differs between two runs, as far as it can be claimed.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare the summaries of two runs, as --json wrote them.",
        discussion: """
            loads compare before.json after.json
            loads compare before.json after.json --tolerance 10%

            Exit codes: 0; with --tolerance 3 when a figure is certainly worse by more than that; 64 wrong usage.
            """)

    @Argument(help: "The summary of the run before.") var before: String
    @Argument(help: "The summary of the run after.") var after: String
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Fail when a figure is certainly worse by more than this: 10%.", valueName: "share"))
    var tolerance: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How sure all claims together are to be (default 95%).", valueName: "share"))
    var confidence: String?
    @Option(help: ArgumentHelp("Write the comparison as JSON.", valueName: "file")) var json: String?
    @Option(help: ArgumentHelp("Write the comparison as Markdown.", valueName: "file")) var markdown: String?

    func run() throws {
        var problems: [String] = []
        let allowed = tolerance.flatMap(CheckedOutputs.share)
        if let tolerance, allowed == nil { problems.append("--tolerance \(tolerance): not a share (try 10%)") }
        let certainty = confidence.flatMap(CheckedOutputs.share)
        if let confidence, !(certainty.map { (0.5...0.9999).contains($0) } ?? false) {
            problems.append("--confidence \(confidence): not a share from 50% to 99.99% (try 95%)")
        }
        var summaries: [RecordedSummary] = []
        for path in [before, after] {
            do throws(UsageError) { summaries.append(try SummaryFile.read(path)) } catch { problems += error.problems }
        }
        var files: [(file: OutputFile, form: (Comparison) -> [UInt8])] = []
        for (path, option, form) in [(json, "--json", { $0.json() }), (markdown, "--markdown", { $0.markdown() })]
            as [(String?, String, (Comparison) -> [UInt8])]
        {
            guard let path else { continue }
            do throws(UsageError) {
                files.append((try OutputFile(path: path, option: option), form))
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else {
            for (file, _) in files { file.discard() }
            throw UsageError(problems)
        }
        let comparison = Comparison(
            summaries[0], summaries[1], confidence: certainty ?? 0.95, tolerance: allowed)
        let console = Console(results: json == "-" || markdown == "-" ? 2 : 1)
        var failed = false
        for (file, form) in files {
            file.begin()
            if let failure = file.write(form(comparison)) {
                failed = true
                console.note("\(file.path): \(failure)")
            }
            file.finish()
        }
        console.write(comparison.text(console.style(console.results)))
        if failed { Foundation.exit(ExitStatus.fault.rawValue) }
        if !comparison.regressions.isEmpty { Foundation.exit(ExitStatus.breached.rawValue) }
    }
}

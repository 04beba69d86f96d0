import LoadsCore
import LoadsReport

/// What a run leaves: the stream of its hits and its figures while it goes on, and at the end the summary in every form
/// that is wanted.
struct RunReport: Sendable {
    /// Writes the hits, if somebody wants them.
    let stream: HitStream?
    /// Takes the figures while it goes on.
    let live: LiveOutputs
    private let console: Console
    private let outputs: Outputs
    private let strict: Bool

    /// - Parameters:
    ///   - run: Its identifier.
    ///   - target: In the user's words.
    ///   - strict: Whether anything but a valid run is refused.
    init(console: Console, outputs: Outputs, run: String, target: String, strict: Bool = false) {
        self.console = console
        self.outputs = outputs
        self.strict = strict
        live = LiveOutputs(outputs, run: run, target: target, console: console)
        stream = outputs[.stream].map { file in
            HitStream(descriptor: file.descriptor) { failure in
                console.note("--stream \(file.path): \(failure): the run goes on, further hits are missing there")
            }
        }
    }

    /// Writes what was measured.
    ///
    /// - Parameters:
    ///   - missedHits: Hits that were lost on their way here.
    ///   - seconds: Where the seconds are to be had of which something did not come here.
    /// - Returns: The exit code.
    func write(_ summary: Summary, missedHits: Int = 0, seconds: LiveOutputs.Seconds? = nil) async -> ExitStatus {
        var failed = false
        if let stream, let file = outputs[.stream] {
            let outcome = await stream.finish()
            file.finish()
            let lost = outcome.lost + missedHits
            if lost > 0 {
                failed = true
                console.note(
                    "--stream \(file.path): \(lost) of \(Counted.text(lost + outcome.written, "hit")) \(lost == 1 ? "is" : "are") missing"
                )
            }
            if summary.statistics.health.droppedHits > 0 { failed = true }
        }
        let comparison = outputs.baseline.flatMap { compare(summary, with: $0) }
        let regressed = comparison.map { !$0.regressions.isEmpty } ?? false
        func status() -> ExitStatus { ExitStatus(summary, fault: failed, regressed: regressed, strict: strict) }
        for (file, bytes) in [
            (.json, { summary.json() }), (.csv, { summary.csv() }),
            (.junit, { summary.junit(comparison: comparison, strict: strict) }),
            (.markdown, { summary.markdown(status()) + (comparison.map { [0x0a] + $0.markdown() } ?? []) }),
            (.html, { summary.html(status(), course: live.course, comparison: comparison) }),
        ] as [(CheckedOutputs.File, () -> [UInt8])] {
            guard let output = outputs[file] else { continue }
            if let failure = output.write(bytes()) {
                failed = true
                console.note("\(file.option) \(output.path): \(failure)")
            }
            output.finish()
        }
        console.write(summary.text(console.style(console.results)))
        if let comparison { console.write("\n" + comparison.text(console.style(console.results))) }
        // Last: somebody may have to be waited for.
        if await live.finish(summary, seconds: seconds) { failed = true }
        return status()
    }

    /// The run beside its baseline, as `loads compare` would: what is compared is what is written.
    private func compare(_ summary: Summary, with baseline: RecordedSummary) -> Comparison? {
        do throws(UsageError) {
            let own = try SummaryFile.decode(summary.json(), place: "this run's summary")
            return Comparison(baseline, own, tolerance: outputs.asked.tolerance)
        } catch {
            for problem in error.problems { console.note(problem) }
            return nil
        }
    }
}

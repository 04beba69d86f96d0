import LoadsCore
import LoadsReport

/// What a run leaves: the stream of its hits while it goes on, and at the end the summary in every form that is wanted.
struct RunReport {
    /// Writes the hits, if somebody wants them.
    let stream: HitStream?
    private let console: Console
    private let outputs: Outputs
    private let strict: Bool

    /// - Parameter strict: Whether anything but a valid run is refused.
    init(console: Console, outputs: Outputs, strict: Bool = false) {
        self.console = console
        self.outputs = outputs
        self.strict = strict
        stream = outputs.stream.map { file in
            HitStream(descriptor: file.descriptor) { failure in
                console.note("--stream \(file.path): \(failure): the run goes on, further hits are missing there")
            }
        }
    }

    /// Writes what was measured.
    ///
    /// - Parameter missedHits: Hits that were lost on their way here.
    /// - Returns: The exit code.
    func write(_ summary: Summary, missedHits: Int = 0) async -> ExitStatus {
        var failed = false
        if let stream, let file = outputs.stream {
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
        if let file = outputs.json {
            if let failure = file.write(summary.json()) {
                failed = true
                console.note("--json \(file.path): \(failure)")
            }
            file.finish()
        }
        console.write(summary.text(console.style(console.results)))
        return ExitStatus(summary, fault: failed, strict: strict)
    }
}

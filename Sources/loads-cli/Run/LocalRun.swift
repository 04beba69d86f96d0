import Foundation
import LoadsAgent
import LoadsCore
import LoadsMaster
import LoadsReport
import LoadsTransport
import LoadsWire

/// A run on this machine: a master and an agent in this process, joined in memory, and the runner that the agent starts.
struct LocalRun {
    let run: CheckedRun
    let runner: Preparation.Runner
    let console: Console
    let outputs: Outputs
    let interrupts: Interrupts

    /// Carries the run out and reports it.
    ///
    /// - Returns: The exit code.
    /// - Throws: ``Refusal`` when the runner does not carry it out.
    func carryOut() async throws -> ExitStatus {
        let stream = outputs.stream.map { file in
            HitStream(descriptor: file.descriptor) { failure in
                console.note("--stream \(file.path): \(failure): the run goes on, further hits are missing there")
            }
        }
        let display = RunDisplay(console: console, plan: run.plan, stream: stream)
        let request = RunRequest(
            id: Self.newID(), target: run.targetText, isURLTarget: run.isURL, launch: runner.launch,
            order: RunnerOrder(plan: run.plan, scenarios: runner.scenarios, options: runner.options))
        let outcome = await perform(request, display)
        console.clearBar()
        switch outcome {
        case .refused(let code, let message):
            outputs.discard()
            throw Refusal(code: code, message: message)
        case .finished(let summary):
            return await report(summary, stream)
        }
    }

    private func perform(_ request: RunRequest, _ display: RunDisplay) async -> RunOutcome {
        let (masterEnd, agentEnd) = InProcess.makePair()
        let master = Master(link: masterEnd)
        let agent = LinkedAgent(link: agentEnd)
        let agentTask = Task { await agent.run() }
        outputs.begin()
        let grace = run.plan.grace
        interrupts.handle { [console] count in
            switch count {
            case 1:
                display.stopping()
                console.note(
                    "stopping: running iterations get up to \(DurationText.text(grace)) to end; Ctrl-C again ends them at once"
                )
                master.stop()
            case 2:
                console.note("ending at once")
                master.abort()
            default:
                // Somebody has lost patience; the runner ends when it finds its agent gone.
                console.clearBar()
                exit(ExitStatus.interrupted.rawValue)
            }
        }
        let outcome = await master.run(request, observer: display)
        masterEnd.close()
        await agentTask.value
        return outcome
    }

    private func report(_ summary: Summary, _ stream: HitStream?) async -> ExitStatus {
        var failed = false
        if let stream, let file = outputs.stream {
            let outcome = await stream.finish()
            file.finish()
            if outcome.lost > 0 {
                failed = true
                console.note(
                    "--stream \(file.path): \(outcome.lost) of \(outcome.lost + outcome.written) hits are missing")
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
        return ExitStatus(summary, fault: failed)
    }

    /// A name for the run: when, and something that tells two of the same second apart.
    private static func newID() -> String {
        let formatter = DateFormatter()
        formatter.dateFormat = "yyyyMMdd-HHmmss"
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        return formatter.string(from: Date()) + "-" + String(UInt16.random(in: 0...UInt16.max), radix: 36)
    }
}

/// The files that a run writes.
struct Outputs {
    let json: OutputFile?
    let stream: OutputFile?

    /// Opens them.
    ///
    /// - Throws: ``UsageError`` with all that cannot be written.
    init(_ run: CheckedRun) throws(UsageError) {
        var problems: [String] = []
        func open(_ path: String?, _ option: String) -> OutputFile? {
            guard let path else { return nil }
            do throws(UsageError) {
                return try OutputFile(path: path, option: option)
            } catch {
                problems += error.problems
                return nil
            }
        }
        json = open(run.json, "--json")
        stream = open(run.stream, "--stream")
        guard problems.isEmpty else {
            json?.discard()
            stream?.discard()
            throw UsageError(problems)
        }
    }

    func begin() {
        json?.begin()
        stream?.begin()
    }

    func discard() {
        json?.discard()
        stream?.discard()
    }
}

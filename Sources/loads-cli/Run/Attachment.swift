import Foundation
import LoadsClient
import LoadsCore
import LoadsReport
import LoadsWire
import Synchronization

/// Somebody watches a run on a master's agents, to its end or until they leave.
struct Attachment {
    let run: String
    let target: String
    let plan: Plan
    /// It was submitted here: no hit of it was before.
    var isWhole = false
    let console: Console
    let outputs: Outputs
    let interrupts: Interrupts
    /// Whether anything but a valid run is refused.
    var strict = false
    /// The options with which another command finds the master.
    var words = ""

    /// Shows the run and reports it when it is over.
    func follow(_ client: MasterClient) async throws -> ExitStatus {
        let report = RunReport(console: console, outputs: outputs, run: run, target: target, strict: strict)
        let display = RunDisplay(console: console, plan: plan, report: report)
        outputs.begin()
        let watching = Task {
            try await client.follow(run: run, hits: report.stream != nil, whole: isWhole, observer: display)
        }
        let leaving = Mutex(false)
        handleInterrupts(client, display) {
            leaving.withLock { $0 = true }
            watching.cancel()
            Task { await client.close() }
        }
        do {
            let followed = try await watching.value
            console.clearBar()
            if case .refused(let code, let message) = followed.snapshot.state {
                report.live.close()
                outputs.discard()
                throw Refusal(code: code, message: message)
            }
            interrupts.handle { _ in report.live.close() }
            if report.stream != nil, followed.earlierHits > 0 {
                let begin =
                    followed.streamBegins.map { "begins at \(String(format: "%.1f", $0)) s of the run" } ?? "is empty"
                let earlier = followed.earlierHits
                console.note(
                    "--stream: the stream \(begin); \(Counted.text(earlier, "earlier hit")) \(earlier == 1 ? "is" : "are") "
                        + "not in it")
            }
            return await report.write(
                Summary(followed.snapshot), missedHits: followed.missedHits,
                seconds: { [run] in try await client.seconds(run: run, from: $0) })
        } catch let error as ClientError {
            report.live.close()
            guard leaving.withLock({ $0 }) else {
                // The client does not know how it was found.
                throw ClientError(
                    code: error.code,
                    message: error.message.replacing("`loads attach \(run)`", with: "`loads attach \(run)\(words)`"))
            }
            outputs.discard()
            console.note("detached: the run goes on (`loads attach \(run)\(words)`, `loads stop \(run)\(words)`)")
            return .passed
        }
    }

    /// Ctrl-C: on a terminal the person is asked whether to stop the run or to leave it; elsewhere the run is stopped.
    private func handleInterrupts(
        _ client: MasterClient, _ display: RunDisplay, leave: @escaping @Sendable () -> Void
    ) {
        let stop: @Sendable (Bool) -> Void = { [run, console] abort in
            display.stopping()
            console.note(abort ? "ending the run at once" : "stopping the run; Ctrl-C again ends it at once")
            Task {
                do { try await client.stop(run: run, abort: abort, by: Requester.name) } catch {
                    console.note("not stopped: \(error)")
                }
            }
        }
        let asks = isatty(0) == 1 && isatty(2) == 1
        let choices = ChoiceKeeper(InterruptChoice(asks: asks))
        interrupts.handle { [console] _ in
            switch choices.interrupted() {
            case .exit:
                console.clearBar()
                exit(ExitStatus.interrupted.rawValue)
            case .stop: stop(false)
            case .abort: stop(true)
            case .leave, .goOn: break
            case .ask:
                // On a thread of its own: a further Ctrl-C must get through.
                Thread.detachNewThread {
                    console.note("stop the run (s), leave it running (l), or go on watching (Enter)?")
                    let answer = readLine()?.trimmingCharacters(in: .whitespaces).lowercased() ?? "s"
                    switch choices.answered(answer) {
                    case .stop: stop(false)
                    case .leave: leave()
                    case .ask, .abort, .exit, .goOn: break
                    }
                }
            }
        }
    }
}

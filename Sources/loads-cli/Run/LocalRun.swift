import Foundation
import LoadsAgent
import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsReport
import LoadsTransport
import LoadsWire
import LoadsZeroMQ

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
        let id = RunID.make()
        let report = RunReport(
            console: console, outputs: outputs, run: id, target: run.targetText, strict: run.strict)
        let outcome = await outcome(id: id, report: report)
        console.clearBar()
        switch outcome {
        case .refused(let code, let message):
            report.live.close()
            outputs.discard()
            throw Refusal(code: code, message: message)
        case .finished(let summary):
            // Whoever presses Ctrl-C now does not want to wait for those who listen.
            interrupts.handle { _ in report.live.close() }
            return await report.write(summary)
        }
    }

    /// Carries the run out.
    ///
    /// - Parameter report: Is told of its hits and figures.
    func outcome(id: String = RunID.make(), report: RunReport? = nil) async -> RunOutcome {
        let display = RunDisplay(console: console, plan: run.plan, report: report)
        let request = RunRequest(
            id: id, target: run.targetText, isURLTarget: run.isURL, launch: runner.launch,
            order: runner.order(run.plan),
            thresholds: run.thresholds)
        return await perform(request, display)
    }

    private func perform(_ request: RunRequest, _ display: RunDisplay) async -> RunOutcome {
        let loop = EventLoop(name: "loads-local")
        defer { Task { await loop.shutdown() } }
        let hub = InProcessHub()
        let master: MasterServer
        let agent: Agent
        do {
            var transport = hub.makeMaster(on: loop)
            if let publish = run.publish {
                transport = try StreamedMaster(
                    transport, stream: publish, keys: try run.keys.map { try MasterKeys(directory: $0) })
            }
            master = MasterServer(transport: transport, settings: .local)
            let addresses = try await master.open()
            if run.publish != nil { console.progress("publishing on \(addresses.stream)") }
            agent = try Agent(
                transport: hub.makeAgent(on: loop), settings: AgentSettings(id: "local", name: "local"))
        } catch let error as TransportError {
            return .refused(code: Int(ExitStatus.usage.rawValue), message: error.message)
        } catch {
            return .refused(code: Int(ExitStatus.fault.rawValue), message: "\(error)")
        }
        let serving = Task { try await agent.run() }
        outputs.begin()
        let grace = run.plan.grace
        interrupts.handle { [console] count in
            switch count {
            case 1:
                display.stopping()
                console.note(
                    "stopping: running iterations get up to \(DurationText.text(grace)) to end; Ctrl-C again ends them at once"
                )
                master.stop(request.id)
            case 2:
                console.note("ending at once")
                master.abort(request.id)
            default:
                // Somebody has lost patience; the runner ends when it finds its agent gone.
                console.clearBar()
                exit(ExitStatus.interrupted.rawValue)
            }
        }
        let outcome = await master.run(request, observer: display)
        await agent.stop(reason: "the run is over")
        _ = await serving.result
        await master.close()
        return outcome
    }
}

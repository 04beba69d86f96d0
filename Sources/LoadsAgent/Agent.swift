import Glibc
import LoadsCore
import LoadsEventLoop
public import LoadsTransport
import LoadsWire
import Synchronization

/// Does what a master wants: starts runners, passes on what they measure, numbered, and tells how they ended.
public final class Agent: Sendable {
    private let link: any AgentLink
    private let loop = EventLoop(name: "loads-agent")
    private let runs = Mutex<[String: RunningRunner]>([:])

    /// A run's process and when it must be over.
    private struct RunningRunner {
        let process: RunnerProcess
        let grace: Duration
    }

    public init(link: any AgentLink) { self.link = link }

    /// Serves the master until the link ends; then every runner is killed and reaped.
    public func run() async {
        // A runner that goes away while a command is written to it is an error code, not a signal.
        signal(SIGPIPE, SIG_IGN)
        await withTaskGroup(of: Void.self) { group in
            for await command in link.commands {
                switch command {
                case .run(let order): group.addTask { await self.carryOut(order) }
                case .stop(let run): end(run, by: .stop)
                case .abort(let run): end(run, by: .abort)
                }
            }
            for runner in runs.withLock({ Array($0.values) }) { runner.process.kill() }
        }
        await loop.shutdown()
    }

    private func end(_ run: String, by command: RunnerCommand) {
        guard let runner = runs.withLock({ $0[run] }) else { return }
        runner.process.send(command)
        // A runner that neither reports nor ends is killed: a run always ends.
        let patience = (command == .stop ? runner.grace : .zero) + .seconds(20)
        Task.detached { [weak process = runner.process] in
            try? await Task.sleep(for: patience)
            process?.kill()
        }
    }

    private func carryOut(_ order: AgentOrder) async {
        let process: RunnerProcess
        do {
            process = try RunnerProcess(order.launch, loop: loop)
        } catch {
            await link.send(.ended(run: order.run, .refused(code: 70, message: "\(error)")))
            return
        }
        runs.withLock { $0[order.run] = RunningRunner(process: process, grace: order.order.plan.grace) }
        process.send(.run(order.order))
        var watch = RunnerWatch()
        var sequence: UInt64 = 0
        for await event in process.events {
            switch watch.take(event) {
            case .started: await link.send(.started(run: order.run))
            case .batch(let batch):
                sequence += 1
                await link.send(.batch(run: order.run, sequence: sequence, batch))
            case .note(let text): await link.send(.note(run: order.run, text))
            case .exited(let status):
                let output = await process.output
                let end = watch.end(status: status, output: output, counters: process.counters)
                runs.withLock { $0[order.run] = nil }
                await link.send(.ended(run: order.run, end))
            case nil: break
            }
            process.consumed()
        }
    }
}

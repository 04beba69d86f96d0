import Glibc
import LoadsCore
import LoadsEventLoop
public import LoadsTransport
import LoadsWire
import Synchronization

/// Does what a master wants: starts runners, passes on what they measure, numbered, and tells how they ended.
public final class LinkedAgent: Sendable {
    private let link: any AgentLink
    private let loop = EventLoop(name: "loads-agent")
    private let runs = Mutex<[String: RunningRunner]>([:])

    /// A run's process and how long its iterations may go on after a stop.
    private struct RunningRunner {
        let process: RunnerProcess
        let grace: Duration
    }

    private let patience: Duration

    /// - Parameters:
    ///   - link: The way to the master.
    ///   - patience: How long a runner that was told to end may take beyond its grace before it is killed. Five seconds
    ///     of the standard are for iterations that ignore their cancellation, ten for the rest.
    public init(link: any AgentLink, patience: Duration = .seconds(15)) {
        self.link = link
        self.patience = patience
    }

    /// Serves the master until the link ends; then every runner is killed and reaped.
    public func run() async {
        // A runner that goes away while a command is written to it is an error code, not a signal.
        signal(SIGPIPE, SIG_IGN)
        await withTaskGroup(of: Void.self) { group in
            for await command in link.commands {
                switch command {
                // Started here, not in the task: a stop that comes next must find its process.
                case .run(let order):
                    if let process = await start(order) { group.addTask { await self.follow(process, order) } }
                case .stop(let run): end(run, by: .stop)
                case .abort(let run): end(run, by: .abort)
                }
            }
            for runner in runs.withLock({ Array($0.values) }) { runner.process.kill(reason: "its master went away") }
        }
        await loop.shutdown()
    }

    private func end(_ run: String, by command: RunnerCommand) {
        guard let runner = runs.withLock({ $0[run] }) else { return }
        runner.process.send(command)
        // A runner that neither reports nor ends is killed: a run always ends.
        let patience = (command == .stop ? runner.grace : .zero) + self.patience
        runner.process.expectEnd(within: patience, reason: "it was told to end and did not within \(patience)")
    }

    private func start(_ order: AgentOrder) async -> RunnerProcess? {
        guard runs.withLock({ $0[order.run] }) == nil else {
            await link.send(.note(run: order.run, "the agent was told twice to run \(order.run): passed over"))
            return nil
        }
        let process: RunnerProcess
        do throws(SpawnError) {
            process =
                switch order.launch.dialect {
                case .messages: try await RunnerProcess.start(order.launch, on: loop)
                case .lines: try await LineRunner.start(order, agent: "local", on: loop)
                }
        } catch {
            await link.send(.ended(run: order.run, .refused(code: 70, message: error.description)))
            return nil
        }
        runs.withLock { $0[order.run] = RunningRunner(process: process, grace: order.order.plan.grace) }
        process.send(.run(order.order))
        return process
    }

    private func follow(_ process: RunnerProcess, _ order: AgentOrder) async {
        var watch = RunnerWatch()
        var sequence: UInt64 = 0
        for await event in process.events {
            switch event {
            case .report(let bytes):
                defer { process.consumed() }
                guard let report = try? RunnerReport(decoding: bytes) else {
                    process.kill(reason: "it sent something that is no report")
                    break
                }
                switch report {
                case .ended, .refused:
                    process.expectEnd(
                        within: RunnerProcess.exitPatience, reason: "it reported its end and did not exit")
                default: break
                }
                switch watch.take(report) {
                case .started: await link.send(.started(run: order.run))
                case .batch(let batch):
                    sequence += 1
                    await link.send(.batch(run: order.run, sequence: sequence, batch))
                case .note(let text): await link.send(.note(run: order.run, text))
                case nil: break
                }
            case .exited(let exit):
                let (end, note) = watch.end(exit, counters: process.counters)
                runs.withLock { $0[order.run] = nil }
                if let note { await link.send(.note(run: order.run, note)) }
                await link.send(.ended(run: order.run, end))
            }
        }
    }
}

import Foundation
import LoadsAgent
import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import LoadsZeroMQ
import Synchronization
import Testing

/// The master itself and several agents, over both transports.
@Suite struct ClusterTests {
    enum Kind: CaseIterable { case inProcess, zeroMQ }

    private struct Watcher: RunObserver {
        var progress: @Sendable (LoadsCore.Progress) -> Void = { _ in }
        func started() {}
        func progressed(_ progress: LoadsCore.Progress) { self.progress(progress) }
        func received(_ hits: [RawHit]) {}
        func noted(_ text: String) {}
    }

    private final class Cluster: Sendable {
        let master: MasterServer
        let agents: [Agent]
        private let loops: [EventLoop]
        private let running: [Task<Void, any Error>]

        init(_ kind: Kind, agents count: Int) async throws {
            let loops = (0...count).map { EventLoop(name: "loop-\($0)") }
            let hub = InProcessHub()
            let transport: any MasterTransport
            switch kind {
            case .inProcess: transport = hub.makeMaster(on: loops[0])
            case .zeroMQ:
                let anywhere = "tcp://127.0.0.1:0"
                transport = try ZeroMQMaster(control: anywhere, results: anywhere, stream: anywhere, on: loops[0])
            }
            master = MasterServer(transport: transport)
            let addresses = try await master.open()
            var agents: [Agent] = []
            for number in 1...count {
                let channel: any AgentTransport =
                    kind == .inProcess
                    ? hub.makeAgent(on: loops[number])
                    : try ZeroMQAgent(master: addresses.control, on: loops[number])
                agents.append(
                    try Agent(transport: channel, settings: AgentSettings(id: "agent-\(number)", name: "\(number)")))
            }
            self.agents = agents
            self.loops = loops
            running = agents.map { agent in Task { try await agent.run() } }
        }

        func close() async {
            for agent in agents { await agent.stop() }
            for task in running { _ = try? await task.value }
            await master.close()
            for loop in loops { await loop.shutdown() }
        }
    }

    private func request(_ mode: String, users: Int, iterations: Int, agents: Int) -> RunRequest {
        let order = Fixtures.order(mode, users: users, iterations: iterations)
        var request = RunRequest(
            id: "run-1", target: "fixture", isURLTarget: false, launch: order.launch, order: order.order)
        request.placement.agents = agents
        return request
    }

    @Test(arguments: Kind.allCases) func aHundredUsersOnThreeAgentsAreAHundred(_ kind: Kind) async throws {
        let cluster = try await Cluster(kind, agents: 3)
        let outcome = await cluster.master.run(
            request("normal", users: 100, iterations: 10, agents: 3), observer: Watcher())
        await cluster.close()
        guard case .finished(let summary) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(summary.statistics.iterations.started == 1000 && summary.statistics.iterations.ok == 1000)
        #expect(summary.statistics.hitCount == 1000)
        #expect(summary.agents.map(\.users).sorted() == [33, 33, 34])
        #expect(summary.agents.allSatisfy { $0.state == .finished && $0.missing == nil })
        #expect(summary.agents.map(\.hits).sorted() == [330, 330, 340])
    }

    @Test func aStopReachesAllAgents() async throws {
        let cluster = try await Cluster(.zeroMQ, agents: 2)
        let master = cluster.master
        let watcher = Watcher { if $0.iterations.ended > 0 { master.stop("run-1") } }
        let outcome = await master.run(
            request("slow", users: 4, iterations: 1_000_000, agents: 2), observer: watcher)
        await cluster.close()
        guard case .finished(let summary) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(summary.interrupted)
        #expect(summary.statistics.iterations.started == summary.statistics.iterations.ended)
    }

    @Test func anAgentThatIsKilledAndComesBackIsNamedWithItsHole() async throws {
        let loop = EventLoop(name: "master")
        let anywhere = "tcp://127.0.0.1:0"
        let master = MasterServer(
            transport: try ZeroMQMaster(control: anywhere, results: anywhere, stream: anywhere, on: loop))
        let address = try await master.open().control
        let data = FileManager.default.temporaryDirectory.appending(path: "loads-data-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: data) }
        let processes = Mutex<[Process]>([])
        @Sendable func start(_ number: Int) {
            let process = Process()
            process.executableURL = URL(filePath: Fixtures.executable).deletingLastPathComponent()
                .appending(path: "loads-agent")
            process.arguments = ["--master", address, "--id", "agent-\(number)", "--data", "\(data)/\(number)"]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try? process.run()
            processes.withLock { $0.append(process) }
        }
        start(1)
        start(2)
        let killed = Mutex(false)
        let watcher = Watcher { progress in
            guard progress.iterations.ended > 100, !killed.withLock({ exchange(&$0, true) }) else { return }
            let victim = processes.withLock { $0[1] }
            kill(victim.processIdentifier, SIGKILL)
            victim.waitUntilExit()
            start(2)
        }
        let outcome = await master.run(request("slow", users: 4, iterations: 500, agents: 2), observer: watcher)
        for process in processes.withLock({ $0 }) { kill(process.processIdentifier, SIGKILL) }
        await master.close()
        await loop.shutdown()
        guard case .finished(let summary) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        let healthy = summary.agents.first { $0.id == "agent-1" }
        let crashed = summary.agents.first { $0.id == "agent-2" }
        #expect(healthy?.state == .finished && healthy?.iterations.ok == 1000 && healthy?.missing == nil)
        #expect(crashed?.state == .crashed && crashed?.users == 2)
        #expect(crashed?.missing?.reason.contains("killed") == true, "\(String(describing: crashed))")
        let iterations = summary.statistics.iterations
        #expect(iterations.ok == 1000 + (crashed?.iterations.ok ?? -1))
    }

    private func exchange(_ value: inout Bool, _ new: Bool) -> Bool {
        defer { value = new }
        return value
    }
}

import LoadsAgent
import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import Synchronization
import Testing

/// A master and an agent in one process, as `loads` composes them.
@Suite struct LocalRunTests {
    private final class Screen: RunObserver {
        let starts = Mutex(0)
        let last = Mutex(Progress())
        let hits = Mutex(0)
        func started() { starts.withLock { $0 += 1 } }
        func progressed(_ progress: Progress) { last.withLock { $0 = progress } }
        func received(_ hits: [RawHit]) { self.hits.withLock { $0 += hits.count } }
        func noted(_ text: String) {}
    }

    @Test func aLocalRunIsAMasterAndAnAgentInOneProcess() async throws {
        let loop = EventLoop(name: "local")
        let hub = InProcessHub()
        let master = MasterServer(transport: hub.makeMaster(on: loop), settings: .local)
        try await master.open()
        let agent = try Agent(
            transport: hub.makeAgent(on: loop), settings: AgentSettings(id: "local", name: "local"))
        let serving = Task { try await agent.run() }
        let order = Fixtures.order("normal", users: 3, iterations: 30, raw: true)
        let request = RunRequest(
            id: "run-1", target: "fixture", isURLTarget: false, launch: order.launch, order: order.order)
        let screen = Screen()
        let outcome = await master.run(request, observer: screen)
        await agent.stop()
        try await serving.value
        await master.close()
        await loop.shutdown()

        guard case .finished(let summary) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(summary.statistics.iterations.ok == 90 && summary.statistics.hits.count == 90)
        #expect(summary.crash == nil && !summary.interrupted && summary.duration > 0)
        #expect(screen.starts.withLock { $0 } == 1 && screen.hits.withLock { $0 } == 90)
        #expect(screen.last.withLock { $0.fraction } == 1)
    }
}

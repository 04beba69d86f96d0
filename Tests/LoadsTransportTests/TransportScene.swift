import Glibc
import LoadsEventLoop
import LoadsTransport
import Synchronization
import Testing

/// A world with an open master, and what a test opens beside it; everything is closed in the end.
final class Scene: Sendable {
    struct Agent: Sendable {
        let transport: any AgentTransport
        let probe: PeerProbe
        var loop: EventLoop { transport.loop }
    }

    struct Client: Sendable {
        let transport: any ClientTransport
        let probe: PeerProbe
        var loop: EventLoop { transport.loop }
        var last: Int? { probe.seen.withLock { $0.stream.last.map { number($0.message) } } }
        func numbers(of topic: String) -> [Int] {
            probe.stream.filter { $0.topic == topic }.map { number($0.message) }
        }
    }

    private struct Opened {
        var master: (any MasterTransport)?
        var agents: [Agent] = []
        var clients: [Client] = []
        var loops: [EventLoop] = []
    }

    let world: any TransportWorld
    let loop = EventLoop(name: "master")
    let master: MasterProbe
    private let opened = Mutex(Opened())

    private init(_ world: any TransportWorld) {
        self.world = world
        master = MasterProbe(loop: loop)
    }

    static func play(_ kind: TransportKind, _ body: (Scene) async throws -> Void) async throws {
        let scene = Scene(kind.makeWorld())
        try await scene.openMaster()
        let result: Result<Void, any Error>
        do { result = .success(try await body(scene)) } catch { result = .failure(error) }
        try await scene.end()
        #expect(scene.master.seen.withLock { $0.offLoop } == 0)
        try result.get()
    }

    var openedMaster: any MasterTransport {
        get async throws { try #require(opened.withLock { $0.master }) }
    }

    func openMaster() async throws {
        let transport = try await world.openMaster(master, on: loop)
        opened.withLock { $0.master = transport }
    }

    func closeMaster() async throws {
        let transport = try await openedMaster
        try await loop.perform { transport.close() }
        opened.withLock { $0.master = nil }
    }

    /// - Parameter loop: Nil is one of its own.
    func openAgent(on loop: EventLoop? = nil) async throws -> Agent {
        let agent = Agent(transport: world.makeAgent(on: loop ?? newLoop()), probe: PeerProbe())
        opened.withLock { $0.agents.append(agent) }
        try await agent.loop.perform { try agent.transport.open(agent.probe) }
        return agent
    }

    func openClient() async throws -> Client {
        let client = Client(transport: world.makeClient(on: newLoop()), probe: PeerProbe())
        let port = world.ports.stream
        opened.withLock { $0.clients.append(client) }
        try await client.loop.perform {
            try client.transport.open(client.probe)
            client.transport.connectStream(host: nil, port: port)
        }
        return client
    }

    /// Opens the results channel; the first result, number 0, has arrived when this returns.
    func connectResults(_ agent: Agent) async throws {
        let port = world.ports.results
        let before = master.seen.withLock { $0.results.count }
        try await agent.loop.perform { agent.transport.connectResults(host: nil, port: port) }
        try await eventually("the results channel stands") {
            try await agent.loop.perform { agent.transport.push(message(0)) }
        }
        try await eventually("the first result") { self.master.seen.withLock { $0.results.count } > before }
    }

    /// Ends a loop with the scene.
    func endLater(_ loop: EventLoop) { opened.withLock { $0.loops.append(loop) } }

    private func newLoop() -> EventLoop {
        let loop = EventLoop(name: "peer")
        opened.withLock { $0.loops.append(loop) }
        return loop
    }

    private func end() async throws {
        let all = opened.withLock { $0 }
        for agent in all.agents { try await agent.loop.perform { agent.transport.close() } }
        for client in all.clients { try await client.loop.perform { client.transport.close() } }
        if let master = all.master { try await loop.perform { master.close() } }
        await loop.shutdown()
        for loop in all.loops { await loop.shutdown() }
        await world.settle()
    }
}

/// Holds a loop's thread until it is opened.
final class Gate: Sendable {
    private let isOpen = Atomic(false)
    func open() { isOpen.store(true, ordering: .releasing) }
    func wait() { while !isOpen.load(ordering: .acquiring) { usleep(1_000) } }
}

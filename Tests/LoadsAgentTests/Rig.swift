import LoadsAgent
import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire
import Synchronization

/// An agent and a played master, each on a loop of its own, joined in memory.
final class Rig: Sendable {
    let master: PlayedMaster
    let agent: Agent
    let log: Journal
    private let loops: [EventLoop]
    private let running: Task<Void, any Error>

    /// Lines of the agent's log.
    final class Journal: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        func contains(_ text: String) -> Bool { lines.withLock { $0.contains { $0.contains(text) } } }
    }

    init(
        _ manners: PlayedMaster.Manners = .init(), _ change: (inout AgentSettings) -> Void = { _ in }
    ) async throws {
        let hub = InProcessHub()
        let journal = Journal()
        loops = [EventLoop(name: "played-master"), EventLoop(name: "agent")]
        master = PlayedMaster(hub.makeMaster(on: loops[0]), manners)
        var settings = AgentSettings(id: "agent-1", name: "one")
        settings.log = { journal.add($1) }
        settings.farewell = .milliseconds(500)
        change(&settings)
        let agent = try Agent(transport: hub.makeAgent(on: loops[1]), settings: settings)
        self.agent = agent
        log = journal
        running = Task { try await agent.run() }
        let master = master
        _ = try await OnLoop(loop: loops[0]).run { try master.open() }
    }

    /// Waits until the agent has ended by itself.
    func ended() async { _ = try? await running.value }

    /// Gives up on the agent: its runners are killed.
    func cancel() { running.cancel() }

    /// Ends the agent, and then the loops.
    func close() async {
        await agent.stop()
        await ended()
        for loop in loops { await loop.shutdown() }
    }

    /// Gives an order and gathers what comes until its end, or its refusal.
    func gather(_ order: AgentOrder) async -> Gathered {
        master.tell(.run(order))
        return await gathered(order.run)
    }

    func gathered(_ run: String) async -> Gathered {
        let refusal = await master.sees { seen -> RunnerEnd? in
            switch seen {
            case .status(run, .refused(let code, let message)): return .refused(code: code, message: message)
            case .result(let message) where message.run == run:
                if case .ended(let end) = message.content { return end }
                return nil
            default: return nil
            }
        }
        var gathered = Gathered(master.seen, run: run)
        if gathered.end == nil { gathered.end = refusal }
        return gathered
    }
}

/// Calls something that is confined to a loop.
actor OnLoop {
    let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    init(loop: EventLoop) { self.loop = loop }
    func run<Result: Sendable>(_ body: @Sendable () throws -> Result) throws -> Result { try body() }
}

/// What came of a run, put together from its results in sequence.
struct Gathered {
    var started = 0
    var total = Batch()
    var batches = 0
    var sequences: [UInt64] = []
    var notes: [String] = []
    var lost: [ResultMessage.Loss] = []
    var end: RunnerEnd?

    var crash: RunnerCrash? { if case .crashed(let crash)? = end { crash } else { nil } }

    init(_ seen: [Seen], run: String) {
        for case .result(let message) in seen where message.run == run {
            guard message.sequence == (sequences.last ?? 0) + 1 else { continue }
            sequences.append(message.sequence)
            switch message.content {
            case .ended(let end): self.end = end
            case .lost(let loss): lost.append(loss)
            case .report(let bytes):
                switch try? RunnerReport(decoding: bytes) {
                case .started?: started += 1
                case .batch(let batch)?:
                    batches += 1
                    total.merge(batch)
                case .note(let text)?: notes.append(text)
                default: break
                }
            }
        }
    }

    /// Runs an order on an agent of its own and gathers everything.
    static func run(_ order: AgentOrder, _ change: (inout AgentSettings) -> Void = { _ in }) async throws -> Gathered {
        let rig = try await Rig(.init(), change)
        let gathered = await rig.gather(order)
        await rig.close()
        return gathered
    }
}

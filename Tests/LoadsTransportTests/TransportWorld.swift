import LoadsEventLoop
import LoadsTransport
import LoadsZeroMQ
import Synchronization
import Testing

/// A place where a master, agents and clients of one transport find each other. The loops are the world's.
protocol TransportWorld: Sendable {
    /// Opens a master on its loop; after the close of one the next opens in the same place.
    func openMaster(_ receiver: any MasterReceiver, on loop: EventLoop) async throws -> any MasterTransport
    /// An agent's transport, not open yet. Needs a master to have been opened once.
    func makeAgent(on loop: EventLoop) -> any AgentTransport
    func makeClient(on loop: EventLoop) -> any ClientTransport
    /// Ports of the results channel and the stream.
    var ports: (results: Int, stream: Int) { get }
    /// Whatever may be left of closed transports is gone when this returns.
    func settle() async
}

/// The transports that must pass the conformance suite.
enum TransportKind: CaseIterable, Sendable {
    case inProcess
    case zeroMQ

    func makeWorld() -> any TransportWorld {
        switch self {
        case .inProcess: InProcessWorld()
        case .zeroMQ: ZeroMQWorld()
        }
    }
}

final class InProcessWorld: TransportWorld {
    private let hub = InProcessHub()
    let ports = (results: 1, stream: 1)

    func openMaster(_ receiver: any MasterReceiver, on loop: EventLoop) async throws -> any MasterTransport {
        let master = hub.makeMaster(on: loop)
        try await loop.perform { _ = try master.open(receiver) }
        return master
    }

    func makeAgent(on loop: EventLoop) -> any AgentTransport { hub.makeAgent(on: loop) }
    func makeClient(on loop: EventLoop) -> any ClientTransport { hub.makeClient(on: loop) }
    func settle() async {}
}

/// Real sockets on loopback, with a context of their own.
final class ZeroMQWorld: TransportWorld {
    private struct State {
        var context: ZeroMQContext? = ZeroMQContext()
        var addresses: MasterAddresses?
    }

    private let state = Mutex(State())
    private var context: ZeroMQContext { state.withLock { $0.context! } }
    private var addresses: MasterAddresses? { state.withLock { $0.addresses } }

    func openMaster(_ receiver: any MasterReceiver, on loop: EventLoop) async throws -> any MasterTransport {
        let known = addresses
        let anywhere = "tcp://127.0.0.1:0"
        let master = try ZeroMQMaster(
            control: known?.control ?? anywhere, results: known?.results ?? anywhere,
            stream: known?.stream ?? anywhere, on: loop, context: context)
        try await eventually("a closed master's ports are free again") {
            do {
                let addresses = try await loop.perform { try master.open(receiver) }
                state.withLock { $0.addresses = addresses }
                return true
            } catch let error as TransportError where error.code == .bind && known != nil { return false }
        }
        return master
    }

    func makeAgent(on loop: EventLoop) -> any AgentTransport {
        try! ZeroMQAgent(master: addresses!.control, on: loop, context: context)
    }

    func makeClient(on loop: EventLoop) -> any ClientTransport {
        try! ZeroMQClient(master: addresses!.control, on: loop, context: context)
    }

    var ports: (results: Int, stream: Int) {
        addresses.map { ($0.resultsPort, $0.streamPort) } ?? (0, 0)
    }

    func settle() async { state.withLock { $0.context = nil } }
}

import LoadsEventLoop
import LoadsTransport
import Synchronization

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

    func makeWorld() -> any TransportWorld {
        switch self {
        case .inProcess: InProcessWorld()
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

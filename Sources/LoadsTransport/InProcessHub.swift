public import LoadsEventLoop
import Synchronization

/// The transport of a local run: a master and any number of agents and clients in one process, joined in memory.
///
/// Bytes go over as they are, each end on its own loop, in order and bounded, with the outcomes that ZeroMQ has: an
/// agent may be there before its master, a master may go and another come, and every coming is a new connection.
public final class InProcessHub: Sendable {
    struct State {
        var master: InProcessMaster?
        var ends: [ObjectIdentifier: InProcessEnd] = [:]
        var peers: [Peer: InProcessEnd] = [:]
        var lastPeer: UInt64 = 0
        var subscriptions = SubscriptionTable<ObjectIdentifier>()
    }

    private let state = Mutex(State())

    /// Nobody is connected yet.
    public init() {}

    /// A master's transport. One can be open at a time; after its close another may open.
    public func makeMaster(on loop: EventLoop) -> any MasterTransport { InProcessMaster(loop: loop, hub: self) }

    /// An agent's transport.
    public func makeAgent(on loop: EventLoop) -> any AgentTransport { InProcessAgent(loop: loop, hub: self) }

    /// A client's or watcher's transport.
    public func makeClient(on loop: EventLoop) -> any ClientTransport { InProcessClient(loop: loop, hub: self) }

    // MARK: The master's side

    func open(_ master: InProcessMaster) -> Bool {
        state.withLock { state in
            guard state.master == nil else { return false }
            state.master = master
            for end in state.ends.values { state.connect(end) }
            for prefix in state.subscriptions.prefixes { master.note(prefix, wanted: true) }
            return true
        }
    }

    func close(_ master: InProcessMaster) {
        state.withLock { state in
            guard state.master === master else { return }
            state.master = nil
            state.peers = [:]
            for end in state.ends.values {
                end.toMaster.detach()
                end.results.detach()
            }
        }
    }

    func send(_ message: [UInt8], to peer: Peer) -> Bool {
        guard let end = state.withLock({ $0.peers[peer] }) else { return false }
        return end.fromMaster.send(message, size: message.count)
    }

    /// Returns how many subscribers were too slow for it.
    func publish(_ message: [UInt8], topic: String) -> Int {
        let ends = state.withLock { state in
            state.subscriptions.subscribers(of: topic).compactMap { state.ends[$0] }
        }
        return ends.count { !$0.stream.send((topic, message), size: message.count) }
    }

    // MARK: The others' side

    func open(_ end: InProcessEnd) {
        state.withLock { state in
            state.ends[ObjectIdentifier(end)] = end
            state.connect(end)
        }
    }

    /// Opens an agent's results channel.
    func connectResults(_ end: InProcessEnd) {
        state.withLock { state in
            end.wantsResults.withLock { $0 = true }
            if let master = state.master { end.results.attach(master.resultsConsumer) }
        }
    }

    /// Makes the connection anew: the master sees another peer.
    func reconnect(_ end: InProcessEnd) {
        state.withLock { state in
            state.disconnect(end)
            end.toMaster.detach()
            end.results.detach()
            end.fromMaster.clear()
            state.connect(end)
        }
    }

    /// What the end has sent still reaches the master.
    func close(_ end: InProcessEnd) {
        state.withLock { state in
            let key = ObjectIdentifier(end)
            guard state.ends.removeValue(forKey: key) != nil else { return }
            state.disconnect(end)
            end.fromMaster.detach()
            end.stream.detach()
            for prefix in state.subscriptions.removeAll(of: key) { state.master?.note(prefix, wanted: false) }
        }
    }

    func subscribe(_ end: InProcessEnd, _ prefix: String, wanted: Bool) {
        state.withLock { state in
            let key = ObjectIdentifier(end)
            let changed =
                wanted ? state.subscriptions.add(prefix, for: key) : state.subscriptions.remove(prefix, for: key)
            if changed { state.master?.note(prefix, wanted: wanted) }
        }
    }
}

extension InProcessHub.State {
    mutating func connect(_ end: InProcessEnd) {
        guard let master else { return }
        lastPeer += 1
        let peer = Peer(routing: withUnsafeBytes(of: lastPeer.bigEndian) { Array($0) })
        peers[peer] = end
        end.announce()
        end.toMaster.attach(master.controlConsumer(peer))
        if end.wantsResults.withLock({ $0 }) { end.results.attach(master.resultsConsumer) }
    }

    mutating func disconnect(_ end: InProcessEnd) {
        if let peer = peers.first(where: { $0.value === end })?.key { peers[peer] = nil }
    }
}

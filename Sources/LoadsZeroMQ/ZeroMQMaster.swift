import CZeroMQ
import Glibc
public import LoadsEventLoop
public import LoadsTransport

/// A master's channels over ZeroMQ: ROUTER for control, PULL for results, XPUB for the stream.
public final class ZeroMQMaster: MasterTransport, @unchecked Sendable {
    // @unchecked: everything is touched on the loop only, as the protocol demands.
    /// Where every call is made, and the receiver called.
    public let loop: EventLoop
    private let endpoints: (control: Endpoint, results: Endpoint, stream: Endpoint)
    private let keys: MasterKeys?
    private let context: ZeroMQContext
    private var receiver: (any MasterReceiver)?
    private var control: Listener?
    private var results: Listener?
    private var stream: StreamSocket?
    private var refusals = Complaints()
    private var counted = TransportCounters()

    /// - Parameters:
    ///   - control: Where to listen: `tcp://HOST:PORT`; port 0 lets the system choose.
    ///   - keys: Needed beyond loopback.
    /// - Throws: ``TransportError`` with code `address`.
    public init(
        control: String, results: String, stream: String, keys: MasterKeys? = nil, on loop: EventLoop,
        context: ZeroMQContext = .shared
    ) throws(TransportError) {
        endpoints = (try Endpoint(control), try Endpoint(results), try Endpoint(stream))
        self.keys = keys
        self.loop = loop
        self.context = context
    }

    /// Binds the three channels: all of them, or none.
    public func open(_ receiver: any MasterReceiver) throws(TransportError) -> MasterAddresses {
        loop.checkIsolated()
        precondition(self.receiver == nil, "the transport is open")
        let ring = keys.map { KeyRing(directory: $0.directory) }
        do throws(TransportError) {
            let control = try listener(.router, endpoints.control, "control", ring, Set(PeerRole.allCases))
            self.control = control
            let results = try listener(.pull, endpoints.results, "results", ring, [.agent])
            self.results = results
            let stream = StreamSocket(
                try listener(.publisher, endpoints.stream, "stream", ring, [.client, .watcher]),
                subscription: { [weak self] in self?.receiver?.subscription(prefix: $0, wanted: $1) })
            self.stream = stream
            let plain = keys == nil
            control.socket.received = { [weak self] in
                self?.receiver?.received(
                    control: $0.content, from: Peer(routing: $0.front),
                    plain ? .loopback : PeerIdentity(userID: $0.user))
            }
            results.socket.received = { [weak self] in
                self?.receiver?.received(
                    result: $0.content, plain ? .loopback : PeerIdentity(userID: $0.user))
            }
            self.receiver = receiver
            let addresses = MasterAddresses(
                control: try control.start(), results: try results.start(), stream: try stream.listener.start())
            return addresses
        } catch {
            close()
            throw error
        }
    }

    @discardableResult
    public func send(_ message: [UInt8], to peer: Peer) -> Bool {
        guard let control else { return false }
        // An empty routing would be sent as one, and meet nobody.
        let isSent = control.socket.send(message, behind: peer.routing) == .sent
        if !isSent { counted.undelivered += 1 }
        return isSent
    }

    public func publish(_ message: [UInt8], topic: String) { stream?.publish(message, topic: topic) }

    /// Keeps what was counted.
    public func close() {
        counted = counters
        receiver = nil
        control?.close()
        results?.close()
        stream?.close()
        control = nil
        results = nil
        stream = nil
    }

    /// All but ``TransportCounters/missed``, which ZeroMQ does not tell.
    public var counters: TransportCounters {
        var all = counted
        all.malformed +=
            (control?.socket.malformed ?? 0) + (results?.socket.malformed ?? 0) + (stream?.malformed ?? 0)
        return all
    }

    private func listener(
        _ kind: SocketKind, _ endpoint: Endpoint, _ channel: String, _ ring: KeyRing?, _ roles: Set<PeerRole>
    ) throws(TransportError) -> Listener {
        try Listener(
            kind, at: endpoint, channel: channel, keys: keys, ring: ring, roles: roles, on: loop, context,
            refused: { [weak self] in self?.refused($0) })
    }

    private func refused(_ reason: String) {
        guard let receiver else { return }
        counted.turnedAway += 1
        if let told = refusals.note(reason, at: .now) { receiver.turnedAway(told) }
    }
}

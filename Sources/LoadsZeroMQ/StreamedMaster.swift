public import LoadsEventLoop
public import LoadsTransport

/// A master's transport whose stream anybody may also subscribe to over ZeroMQ: a run in one process, watched from
/// outside.
public final class StreamedMaster: MasterTransport, @unchecked Sendable {
    // @unchecked: everything is touched on the loop only, as the protocol demands.
    private let inner: any MasterTransport
    private let endpoint: Endpoint
    private let keys: MasterKeys?
    private let context: ZeroMQContext
    private var relay: Relay?
    private var stream: StreamSocket?
    private var malformed = 0

    /// - Parameters:
    ///   - inner: What carries everything else. Its own subscribers get the stream as before.
    ///   - stream: Where to listen: `tcp://HOST:PORT`; port 0 lets the system choose.
    ///   - keys: Needed beyond loopback.
    /// - Throws: ``TransportError`` with code `address`.
    public init(
        _ inner: any MasterTransport, stream: String, keys: MasterKeys? = nil, context: ZeroMQContext = .shared
    ) throws(TransportError) {
        self.inner = inner
        endpoint = try Endpoint(stream)
        self.keys = keys
        self.context = context
    }

    /// The inner transport's.
    public var loop: EventLoop { inner.loop }

    /// Opens the inner transport, and listens: the addresses are the inner ones but for the stream's.
    public func open(_ receiver: any MasterReceiver) throws(TransportError) -> MasterAddresses {
        loop.checkIsolated()
        let relay = Relay(receiver)
        do throws(TransportError) {
            let listener = try Listener(
                .publisher, at: endpoint, channel: "stream", keys: keys,
                ring: keys.map { KeyRing(directory: $0.directory) }, roles: [.client, .watcher], on: loop, context,
                refused: { [weak relay] in relay?.refused($0) })
            let stream = StreamSocket(
                listener, subscription: { [weak relay] in relay?.subscription($0, wanted: $1, outside: true) })
            self.stream = stream
            self.relay = relay
            var addresses = try inner.open(relay)
            addresses.stream = try listener.start()
            return addresses
        } catch {
            close()
            throw error
        }
    }

    @discardableResult
    public func send(_ message: [UInt8], to peer: Peer) -> Bool { inner.send(message, to: peer) }

    /// To the inner transport's subscribers and to those over ZeroMQ.
    public func publish(_ message: [UInt8], topic: String) {
        inner.publish(message, topic: topic)
        stream?.publish(message, topic: topic)
    }

    /// Closes the inner transport, too.
    public func close() {
        malformed += stream?.malformed ?? 0
        inner.close()
        stream?.close()
        stream = nil
        relay?.receiver = nil
    }

    /// The inner transport's, and what was dropped or turned away at the stream's socket.
    public var counters: TransportCounters {
        var all = inner.counters
        all.malformed += malformed + (stream?.malformed ?? 0)
        all.turnedAway += relay?.turnedAway ?? 0
        return all
    }
}

/// Hands on what comes from the inner transport, and joins the subscriptions of both sides.
private final class Relay: MasterReceiver, @unchecked Sendable {
    // @unchecked: touched on the loop only.
    var receiver: (any MasterReceiver)?
    private(set) var turnedAway = 0
    private var refusals = Complaints()
    private var subscriptions = SubscriptionTable<Bool>()

    init(_ receiver: any MasterReceiver) { self.receiver = receiver }

    func received(control message: [UInt8], from peer: Peer, _ identity: PeerIdentity) {
        receiver?.received(control: message, from: peer, identity)
    }
    func received(result message: [UInt8], _ identity: PeerIdentity) {
        receiver?.received(result: message, identity)
    }
    func subscription(prefix: String, wanted: Bool) { subscription(prefix, wanted: wanted, outside: false) }
    func turnedAway(_ reason: String) { receiver?.turnedAway(reason) }

    func subscription(_ prefix: String, wanted: Bool, outside: Bool) {
        let changed =
            wanted ? subscriptions.add(prefix, for: outside) : subscriptions.remove(prefix, for: outside)
        if changed { receiver?.subscription(prefix: prefix, wanted: wanted) }
    }

    func refused(_ reason: String) {
        turnedAway += 1
        if let told = refusals.note(reason, at: .now) { receiver?.turnedAway(told) }
    }
}

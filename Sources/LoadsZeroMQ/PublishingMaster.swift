public import LoadsEventLoop
public import LoadsTransport

/// A master's channels as another transport has them, and the stream on a ZeroMQ socket besides: what a local run
/// binds for `--stream tcp://…`.
public final class PublishingMaster: MasterTransport, @unchecked Sendable {
    // @unchecked: everything is touched on the loop only, as the protocol demands.
    public var loop: EventLoop { inner.loop }
    private let inner: any MasterTransport
    private let endpoint: Endpoint
    private let context: ZeroMQContext
    private var stream: StreamSocket?

    /// - Parameters:
    ///   - inner: Carries control and results, and its own subscribers' stream.
    ///   - stream: Where to publish: `tcp://HOST:PORT`, on loopback.
    /// - Throws: ``TransportError`` with code `address`.
    public init(
        _ inner: any MasterTransport, stream: String, context: ZeroMQContext = .shared
    ) throws(TransportError) {
        self.inner = inner
        endpoint = try Endpoint(stream)
        self.context = context
    }

    public func open(_ receiver: any MasterReceiver) throws(TransportError) -> MasterAddresses {
        let both = BothStreams(receiver)
        let stream = StreamSocket(
            try Listener(
                .publisher, at: endpoint, channel: "stream", keys: nil, ring: nil, roles: [], on: loop, context,
                refused: { receiver.turnedAway($0) }),
            subscription: { both.subscription(prefix: $0, wanted: $1) })
        do throws(TransportError) {
            var addresses = try inner.open(both)
            self.stream = stream
            addresses.stream = try stream.listener.start()
            return addresses
        } catch {
            stream.close()
            self.stream = nil
            throw error
        }
    }

    @discardableResult
    public func send(_ message: [UInt8], to peer: Peer) -> Bool { inner.send(message, to: peer) }

    public func publish(_ message: [UInt8], topic: String) {
        inner.publish(message, topic: topic)
        stream?.publish(message, topic: topic)
    }

    public func close() {
        inner.close()
        stream?.close()
        stream = nil
    }

    public var counters: TransportCounters { inner.counters }
}

/// Passes everything on; a prefix is wanted as long as somebody wants it on one of the two streams.
private final class BothStreams: MasterReceiver, @unchecked Sendable {
    // @unchecked: touched on the transport's loop only.
    private let receiver: any MasterReceiver
    private var wanted: [String: Int] = [:]

    init(_ receiver: any MasterReceiver) { self.receiver = receiver }

    func received(control message: [UInt8], from peer: Peer, _ identity: PeerIdentity) {
        receiver.received(control: message, from: peer, identity)
    }
    func received(result message: [UInt8], _ identity: PeerIdentity) {
        receiver.received(result: message, identity)
    }
    func turnedAway(_ reason: String) { receiver.turnedAway(reason) }

    func subscription(prefix: String, wanted isWanted: Bool) {
        let count = wanted[prefix, default: 0] + (isWanted ? 1 : -1)
        wanted[prefix] = count > 0 ? count : nil
        if count == (isWanted ? 1 : 0) { receiver.subscription(prefix: prefix, wanted: isWanted) }
    }
}

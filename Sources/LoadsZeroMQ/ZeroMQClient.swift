public import LoadsEventLoop
public import LoadsTransport

/// A client's or watcher's channels over ZeroMQ: DEALER for control, SUB for the stream.
public final class ZeroMQClient: ClientTransport, @unchecked Sendable {
    // @unchecked: everything is touched on the loop only, as the protocol demands.
    /// Where every call is made, and the receiver called.
    public let loop: EventLoop
    private let master: Endpoint
    private let role: PeerRole
    private let keys: PeerKeys?
    private let context: ZeroMQContext
    private var receiver: (any ClientReceiver)?
    private var control: ControlChannel?
    private var stream: Dialer?
    private var prefixes: Set<String> = []

    /// - Parameters:
    ///   - master: The master's control channel.
    ///   - role: What it needs a key for: a client's, or a watcher's, with which nothing can be started or changed.
    ///   - keys: Needed beyond loopback.
    /// - Throws: ``TransportError`` with code `address`.
    public init(
        master: String, role: PeerRole = .client, keys: PeerKeys? = nil, on loop: EventLoop,
        context: ZeroMQContext = .shared
    ) throws(TransportError) {
        self.role = role
        self.master = try Endpoint(master)
        self.keys = keys
        self.loop = loop
        self.context = context
    }

    /// Begins to connect, and goes on until ``close()``. A second call does nothing.
    public func open(_ receiver: any ClientReceiver) throws(TransportError) {
        loop.checkIsolated()
        guard control == nil else { return }
        control = try ControlChannel(
            to: master, as: role, keys: keys, on: loop, context,
            ControlChannel.Receiver(
                connected: { [weak self] in self?.receiver?.connected() },
                received: { [weak self] in self?.receiver?.received(control: $0) },
                trouble: { [weak self] in self?.receiver?.trouble($0) }))
        self.receiver = receiver
    }

    /// As ``LoadsTransport/ClientTransport`` says; a stream that cannot be opened is told as trouble.
    public func connectStream(host: String?, port: Int) {
        let endpoint = Endpoint(host: host ?? master.host, port: port)
        guard receiver != nil, stream?.endpoint != endpoint else { return }
        stream?.close()
        let dialer = Dialer(.subscriber, to: endpoint, as: role, keys: keys, on: loop, context)
        dialer.received = { [weak self] in
            self?.receiver?.received(topic: String(decoding: $0.front, as: UTF8.self), $0.content)
        }
        dialer.trouble = { [weak self] in self?.receiver?.trouble($0) }
        dialer.prepare = { [weak self, weak dialer] _ in
            for prefix in self?.prefixes ?? [] { dialer?.subscribe(prefix, true) }
        }
        do throws(TransportError) {
            try dialer.open()
            stream = dialer
        } catch {
            stream = nil
            receiver?.trouble(error)
        }
    }

    /// Also before the stream is connected; kept over reconnections, and counted once however often it is asked for.
    public func subscribe(_ prefix: String) {
        if prefixes.insert(prefix).inserted { stream?.subscribe(prefix, true) }
    }

    public func unsubscribe(_ prefix: String) {
        if prefixes.remove(prefix) != nil { stream?.subscribe(prefix, false) }
    }

    @discardableResult
    public func send(_ message: [UInt8]) -> Bool { control?.send(message) ?? false }

    public func close() {
        receiver = nil
        control?.close()
        stream?.close()
        control = nil
        stream = nil
    }
}

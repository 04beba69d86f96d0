public import LoadsEventLoop
public import LoadsTransport

/// An agent's channels over ZeroMQ: DEALER for control, PUSH for results.
public final class ZeroMQAgent: AgentTransport, @unchecked Sendable {
    // @unchecked: everything is touched on the loop only, as the protocol demands.
    /// Where every call is made, and the receiver called.
    public let loop: EventLoop
    private let master: Endpoint
    private let keys: PeerKeys?
    private let context: ZeroMQContext
    private var receiver: (any AgentReceiver)?
    private var control: ControlChannel?
    private var results: Dialer?

    /// - Parameters:
    ///   - master: The master's control channel.
    ///   - keys: Needed beyond loopback.
    /// - Throws: ``TransportError`` with code `address`.
    public init(
        master: String, keys: PeerKeys? = nil, on loop: EventLoop, context: ZeroMQContext = .shared
    ) throws(TransportError) {
        self.master = try Endpoint(master)
        self.keys = keys
        self.loop = loop
        self.context = context
    }

    /// Begins to connect, and goes on until ``close()``. A second call does nothing.
    public func open(_ receiver: any AgentReceiver) throws(TransportError) {
        loop.checkIsolated()
        guard control == nil else { return }
        control = try ControlChannel(
            to: master, as: .agent, keys: keys, on: loop, context,
            ControlChannel.Receiver(
                connected: { [weak self] in self?.receiver?.connected() },
                received: { [weak self] in self?.receiver?.received(control: $0) },
                trouble: { [weak self] in self?.receiver?.trouble($0) }))
        self.receiver = receiver
    }

    /// As ``LoadsTransport/AgentTransport`` says; a channel that cannot be opened is told as trouble.
    public func connectResults(host: String?, port: Int) {
        let endpoint = Endpoint(host: host ?? master.host, port: port)
        guard receiver != nil, results?.endpoint != endpoint else { return }
        results?.close()
        let dialer = Dialer(.push, to: endpoint, as: .agent, keys: keys, on: loop, context)
        dialer.writable = { [weak self] in self?.receiver?.resultsWritable() }
        dialer.trouble = { [weak self] in self?.receiver?.trouble($0) }
        do throws(TransportError) {
            try dialer.open()
            results = dialer
        } catch {
            results = nil
            receiver?.trouble(error)
        }
    }

    @discardableResult
    public func send(_ message: [UInt8]) -> Bool { control?.send(message) ?? false }

    public func push(_ message: [UInt8]) -> Bool { results?.send(message) == .sent }

    public func reconnect() {
        control?.reconnect()
        results?.reconnect()
    }

    public func close() {
        receiver = nil
        control?.close()
        results?.close()
        control = nil
        results = nil
    }
}

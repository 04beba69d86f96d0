import CZeroMQ
import LoadsEventLoop
import LoadsTransport

/// A socket that connects to a master, and again for ever after a cut.
///
/// Libzmq connects again by itself after most cuts, but never after a handshake that failed: a key may be added to the
/// master's folder a minute later. And a connection may be half gone without a word. So whoever is not connected after
/// some seconds gets a new socket.
final class Dialer {
    let endpoint: Endpoint
    private(set) var isConnected = false
    /// Called for each connection that stands.
    var connected: (() -> Void)?
    var received: ((Socket.Message) -> Void)?
    var writable: (() -> Void)?
    /// Called once for each kind of trouble in a spell of not being connected.
    var trouble: ((TransportError) -> Void)?
    /// Called with each new socket before it connects.
    var prepare: ((Socket) -> Void)?

    private let kind: SocketKind
    private let loop: EventLoop
    private let context: ZeroMQContext
    private let keys: PeerKeys?
    /// What this side is to the master: which key it needs.
    private let role: PeerRole
    private var socket: Socket?
    private var watch: ConnectionWatch?
    private var timer: LoopTimer?
    private var attempts = 0
    /// Handshakes in a row that the other side ended.
    private var failures = 0
    /// Whether libzmq has given the socket's connection up for good.
    private var isSpent = false
    /// What was told since a connection stood last.
    private var told: Set<TransportError.Code> = []
    /// Connections in a row that the other side broke off in the handshake.
    private var breaks = 0
    private var isClosed = false

    /// How long a socket may be without a connection before another one is made.
    private static let patience = Duration.seconds(5)

    init(
        _ kind: SocketKind, to endpoint: Endpoint, as role: PeerRole, keys: PeerKeys?, on loop: EventLoop,
        _ context: ZeroMQContext
    ) {
        self.role = role
        self.kind = kind
        self.endpoint = endpoint
        self.keys = keys
        self.loop = loop
        self.context = context
    }

    var malformed: Int { socket?.malformed ?? 0 }

    /// - Throws: ``TransportError`` with code `keys` when the address needs keys and there are none, `address`, `system`.
    func open() throws(TransportError) {
        if !endpoint.isLoopback, keys == nil {
            throw TransportError(code: .keys, message: KeyAdvice.connecting(to: endpoint, as: role))
        }
        timer = LoopTimer { [weak self] in self?.lookAgain() }
        try dial()
    }

    func send(_ message: [UInt8]) -> Socket.Outcome { socket?.send(message) ?? .gone }

    /// Sends a subscription; it is the caller's to repeat it for another socket.
    func subscribe(_ prefix: String, _ wanted: Bool) {
        guard let handle = socket?.handle else { return }
        let bytes = Array(prefix.utf8)
        zmq_setsockopt(handle, wanted ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, bytes, bytes.count)
    }

    /// Drops the connection with all that waits in it, and makes another.
    func reconnect() {
        hangUp(dropping: true)
        redial()
    }

    func close() {
        isClosed = true
        if let timer { loop.cancel(timer) }
        timer = nil
        hangUp(dropping: false)
        connected = nil
        received = nil
        writable = nil
        trouble = nil
        prepare = nil
    }

    private func dial() throws(TransportError) {
        attempts += 1
        isSpent = false
        let socket = try Socket(kind, on: loop, context)
        // A name may have addresses of both families, of which libzmq takes one: alternate.
        let isIPv6 = endpoint.isIPv6 || (endpoint.isName && endpoint.host != "localhost" && attempts.isMultiple(of: 2))
        guard let handle = socket.handle, loads_zmq_set_int(handle, ZMQ_IPV6, isIPv6 ? 1 : 0) == 0,
            keys?.apply(to: handle) ?? true
        else { throw Socket.systemError("no options for a socket") }
        socket.received = { [weak self] in self?.received?($0) }
        socket.writable = { [weak self] in self?.writable?() }
        let watch = try ConnectionWatch(socket, context) { [weak self] in self?.happened($0) }
        self.socket = socket
        self.watch = watch
        prepare?(socket)
        do throws(TransportError) {
            guard zmq_connect(handle, endpoint.forLibrary) == 0 else {
                throw TransportError(
                    code: .address, message: "\(endpoint): \(String(cString: zmq_strerror(zmq_errno())))")
            }
            try socket.start()
        } catch {
            hangUp(dropping: true)
            throw error
        }
        again(in: Self.patience)
    }

    private func hangUp(dropping: Bool) {
        isConnected = false
        watch?.close()
        watch = nil
        if dropping { socket?.drop() } else { socket?.close() }
        socket = nil
    }

    private func redial() {
        if isClosed { return }
        do throws(TransportError) { try dial() } catch {
            tell(error)
            again(in: Self.patience)
        }
    }

    private func again(in delay: Duration) {
        if let timer { loop.schedule(timer, at: .now.advanced(by: delay)) }
    }

    private func lookAgain() {
        if isConnected || isClosed { return }
        // One that has said what it wants is there.
        if !told.contains(.keys) {
            tell(
                TransportError(
                    code: .unreachable,
                    message: "\(endpoint) does not answer: is the master running there? Trying again until it does"))
        }
        hangUp(dropping: true)
        redial()
    }

    private func happened(_ event: ConnectionWatch.Event) {
        if isClosed { return }
        switch event {
        case .connected:
            isConnected = true
            told = []
            breaks = 0
            failures = 0
            if let timer { loop.cancel(timer) }
            connected?()
            // What was refused while nothing stood may be sent now.
            writable?()
        case .disconnected:
            isConnected = false
            if !isSpent { again(in: Self.patience) }
        case .failed(let failure):
            isConnected = false
            breaks = failure == .broken ? breaks + 1 : 0
            // A master that is just being started or stopped breaks a connection off, too, but not twice in a row.
            if failure != .broken || breaks > 1 {
                tell(KeyAdvice.failed(failure, at: endpoint, as: role, withKeys: keys != nil))
            }
            // After a broken handshake libzmq tries again by itself; otherwise the socket is of no more use.
            if failure != .broken {
                isSpent = true
                again(in: min(Self.patience, .milliseconds(500 << min(failures, 4))))
                failures += 1
            }
        }
    }

    private func tell(_ reason: TransportError) {
        if told.insert(reason.code).inserted { trouble?(reason) }
    }
}

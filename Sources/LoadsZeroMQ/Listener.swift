import CZeroMQ
import Glibc
import LoadsEventLoop
import LoadsTransport

/// A socket of a master: bound to an address, behind its keys if it has any, with an eye on who is turned away.
final class Listener {
    let socket: Socket
    private let endpoint: Endpoint
    private let channel: String
    private let context: ZeroMQContext
    private var watch: ConnectionWatch?
    private var domain: String?

    /// Binds; nothing is handed over before ``start()``.
    ///
    /// - Throws: ``TransportError`` with code `keys` when the address needs keys and there are none, `bind`, `system`.
    init(
        _ kind: SocketKind, at endpoint: Endpoint, channel: String, keys: MasterKeys?, ring: KeyRing?,
        roles: Set<PeerRole>, on loop: EventLoop, _ context: ZeroMQContext, refused: @escaping (String) -> Void
    ) throws(TransportError) {
        if keys == nil, !endpoint.isLoopback {
            throw TransportError(code: .keys, message: KeyAdvice.binding(to: endpoint))
        }
        self.endpoint = endpoint
        self.channel = channel
        self.context = context
        socket = try Socket(kind, on: loop, context)
        do throws(TransportError) {
            guard let handle = socket.handle else { throw Socket.systemError("no socket") }
            if let keys, let ring {
                let domain = context.uniqueName("loads-\(channel)")
                let report = Confined(refused)
                try context.authenticator.add(
                    Authenticator.Gate(
                        ring: ring, roles: roles, channel: channel,
                        refused: { reason in loop.submit { report.value(reason) } }),
                    domain: domain, in: context.handle)
                self.domain = domain
                guard keys.apply(to: handle, domain: domain) else { throw Socket.systemError("no CURVE") }
                socket.hasUsers = true
            }
            let hasKeys = keys != nil
            watch = try ConnectionWatch(socket, context) { event in
                if case .failed(let failure) = event, let reason = failure.atMaster(channel, hasKeys) {
                    refused(reason)
                }
            }
            try bind(handle)
        } catch {
            close()
            throw error
        }
    }

    /// Begins to hand over messages.
    ///
    /// - Returns: The address with the port that was chosen.
    func start() throws(TransportError) -> String {
        try socket.start()
        return Endpoint(host: endpoint.host, port: boundPort).description
    }

    func close() {
        if let domain { context.authenticator.remove(domain: domain) }
        watch?.close()
        watch = nil
        socket.close()
    }

    private func bind(_ handle: UnsafeMutableRawPointer) throws(TransportError) {
        // `*` means both families where there are both.
        _ = loads_zmq_set_int(handle, ZMQ_IPV6, endpoint.isIPv6 || endpoint.host == "*" ? 1 : 0)
        if zmq_bind(handle, endpoint.forLibrary) == 0 { return }
        if endpoint.host == "*", zmq_errno() != EADDRINUSE {
            _ = loads_zmq_set_int(handle, ZMQ_IPV6, 0)
            if zmq_bind(handle, endpoint.forLibrary) == 0 { return }
        }
        let why: String
        switch zmq_errno() {
        case EADDRINUSE:
            why = "another program listens there: is it another master? Choose another port with --\(channel)"
        case ENODEV, EADDRNOTAVAIL: why = "this machine has no such address: name one of its own, or * for all"
        case EACCES: why = "not permitted: choose a port above 1023 with --\(channel)"
        default: why = String(cString: zmq_strerror(zmq_errno()))
        }
        throw TransportError(code: .bind, message: "cannot listen on \(endpoint): \(why)")
    }

    private var boundPort: Int {
        guard let handle = socket.handle else { return endpoint.port }
        var text = [CChar](repeating: 0, count: 256)
        var size = text.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &size) == 0 else { return endpoint.port }
        let bound = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return bound.lastIndex(of: ":").flatMap { Int(bound[bound.index(after: $0)...]) } ?? endpoint.port
    }
}

extension ConnectionWatch.Failure {
    /// What a master tells of it; nil for what somebody else tells, or is no refusal.
    func atMaster(_ channel: String, _ hasKeys: Bool) -> String? {
        switch self {
        // The authenticator knows more.
        case .refused: nil
        case .broken:
            hasKeys ? "a peer broke off its handshake at \(channel): it has no key, or trusts another master" : nil
        case .mechanism:
            hasKeys
                ? "a peer without a key was turned away at \(channel)"
                : "a peer that wants keys was turned away at \(channel): this master has none"
        case .keys: "a peer was turned away at \(channel): it trusts another master's key"
        case .protocolError: "something that does not speak ZeroMQ as a peer does was turned away at \(channel)"
        }
    }
}

import CZeroMQ
import LoadsEventLoop
import LoadsTransport

/// Reports what happens to a socket's connections: libzmq's socket monitor, as events on the loop.
final class ConnectionWatch {
    enum Event: Equatable {
        /// The handshake is over, and with it any authentication: messages can go.
        case connected
        case disconnected
        case failed(Failure)
    }

    /// Why a handshake failed.
    enum Failure: Equatable {
        /// The other side closed, or took too long. Happens also when it cannot read us: a wrong key of the server.
        case broken
        /// The master's key ring does not know the key, or not in this role.
        case refused
        /// One side uses keys and the other does not.
        case mechanism
        /// The keys do not fit.
        case keys
        /// No ZeroMQ, or not as it should be.
        case protocolError
    }

    private let watched: Socket
    private let socket: Socket

    /// - Parameter report: Called on the loop.
    /// - Throws: ``TransportError`` with code `system`.
    init(_ watched: Socket, _ context: ZeroMQContext, report: @escaping (Event) -> Void) throws(TransportError) {
        self.watched = watched
        socket = try Socket(.monitor, on: watched.loop, context)
        let name = "inproc://\(context.uniqueName("monitor"))"
        let events =
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        guard let handle = watched.handle, zmq_socket_monitor(handle, name, events) == 0,
            let own = socket.handle, zmq_connect(own, name) == 0
        else { throw Socket.systemError("no watch over a socket") }
        socket.received = { message in
            if let event = Event(message.front) { report(event) }
        }
        try socket.start()
    }

    /// Ends the watch; call it before the watched socket is closed.
    func close() {
        if let handle = watched.handle { zmq_socket_monitor(handle, nil, 0) }
        socket.close()
    }
}

extension ConnectionWatch.Event {
    /// Reads a monitor message's first frame: 16 bits of event and 32 bits of value, in the machine's byte order.
    init?(_ frame: [UInt8]) {
        guard frame.count == 6 else { return nil }
        let event = frame.withUnsafeBytes { $0.loadUnaligned(as: UInt16.self) }
        let value = frame.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 2, as: Int32.self) }
        switch Int32(event) {
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: self = .connected
        case ZMQ_EVENT_DISCONNECTED: self = .disconnected
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: self = .failed(.broken)
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: self = .failed(.refused)
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            switch value {
            case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: self = .failed(.mechanism)
            case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE: self = .failed(.keys)
            default: self = .failed(.protocolError)
            }
        default: return nil
        }
    }
}

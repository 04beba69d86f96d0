import LoadsEventLoop
import LoadsTransport

/// The control channel of an agent or client: a DEALER, and a bounded buffer for what is said while nothing stands.
final class ControlChannel {
    private let dialer: Dialer
    private var waiting = BoundedBuffer<[UInt8]>(limit: .control)

    /// What is done with what happens, on the loop.
    struct Receiver {
        var connected: () -> Void
        var received: ([UInt8]) -> Void
        var trouble: (TransportError) -> Void
    }

    /// - Throws: as ``Dialer/open()`` does.
    init(
        to endpoint: Endpoint, as role: PeerRole, keys: PeerKeys?, on loop: EventLoop, _ context: ZeroMQContext,
        _ receiver: Receiver
    ) throws(TransportError) {
        dialer = Dialer(.dealer, to: endpoint, as: role, keys: keys, on: loop, context)
        dialer.connected = receiver.connected
        dialer.received = { receiver.received($0.content) }
        dialer.trouble = receiver.trouble
        dialer.writable = { [weak self] in self?.flush() }
        try dialer.open()
    }

    func send(_ message: [UInt8]) -> Bool {
        if waiting.isEmpty, dialer.send(message) == .sent { return true }
        guard waiting.hasRoom(for: message.count) else { return false }
        waiting.append(message, size: message.count)
        return true
    }

    func reconnect() {
        waiting.removeAll()
        dialer.reconnect()
    }

    func close() {
        flush()
        waiting.removeAll()
        dialer.close()
    }

    private func flush() {
        while let message = waiting.first, dialer.send(message) == .sent { _ = waiting.removeFirst() }
    }
}

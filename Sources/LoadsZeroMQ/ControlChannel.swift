import LoadsEventLoop
import LoadsTransport

/// The control channel of an agent or client: a DEALER, and a bounded buffer for what is said while nothing stands.
final class ControlChannel {
    let dialer: Dialer
    private var waiting = BoundedBuffer<[UInt8]>(limit: .control)

    init(to endpoint: Endpoint, keys: PeerKeys?, on loop: EventLoop, _ context: ZeroMQContext) {
        dialer = Dialer(.dealer, to: endpoint, keys: keys, on: loop, context)
        dialer.writable = { [weak self] in self?.flush() }
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

import CZeroMQ
import LoadsEventLoop
import LoadsTransport

/// The stream's socket: publishes, and reads who wants what.
final class StreamSocket {
    let listener: Listener
    private var others = 0

    /// - Parameter subscription: Called for the first subscriber to a prefix and after the last.
    init(_ listener: Listener, subscription: @escaping (String, Bool) -> Void) {
        self.listener = listener
        listener.socket.received = { [weak self] message in
            // A subscription is a byte, 1 or 0, and the prefix (https://rfc.zeromq.org/spec/29/). Libzmq acts on it by
            // itself; anything else that a peer sends here means nothing.
            guard let first = message.content.first, first <= 1,
                let prefix = String(validating: message.content.dropFirst(), as: UTF8.self)
            else {
                self?.others += 1
                return
            }
            subscription(prefix, first == 1)
        }
    }

    var malformed: Int { listener.socket.malformed + others }

    func publish(_ message: [UInt8], topic: String) { _ = listener.socket.send(message, behind: Array(topic.utf8)) }

    func close() { listener.close() }
}

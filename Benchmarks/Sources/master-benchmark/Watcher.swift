import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire
import LoadsZeroMQ
import Synchronization

/// A subscriber of the stream, on a loop of its own.
final class Watcher: ClientReceiver, Sendable {
    struct Seen: Sendable {
        var messages = 0
        var hits = 0
        var missed: UInt64 = 0
        var latencies: [Double] = []
    }

    private let transport: ZeroMQClient
    private let prefix: String
    private let state = Mutex((seen: Seen(), last: UInt64(0)))

    var seen: Seen { state.withLock { $0.seen } }

    init(master: String, prefix: String, on loop: EventLoop) throws {
        transport = try ZeroMQClient(master: master, on: loop)
        self.prefix = prefix
    }

    func open() throws { try transport.open(self) }
    func close() { transport.close() }

    func connected() { transport.send(ClientRequest(id: 1, ask: .hello(software: "master-benchmark")).encoded()) }

    func received(control message: [UInt8]) {
        guard case .welcome(let welcome)? = try? ClientAnswer(decoding: message).answer else { return }
        transport.connectStream(host: welcome.host, port: welcome.streamPort)
        transport.subscribe(prefix)
    }

    func received(topic: String, _ message: [UInt8]) {
        // Hits are counted by their head: to unfold them all is not what is measured.
        if topic.hasPrefix("hits/") {
            let hits = Self.number("count", in: message) ?? 0
            note(sequence: UInt64(Self.number("seq", in: message) ?? 0)) { $0.hits += hits }
            return
        }
        guard let message = try? StreamMessage(decoding: message) else { return }
        let now = Instant.now
        note(sequence: message.sequence) { seen in
            guard case .statistics(_, _, let statistics) = message.content else { return }
            seen.hits += statistics.hitCount
            for name in statistics.names.keys where name.hasPrefix("at-") {
                if let moment = Int64(name.dropFirst(3)) {
                    seen.latencies.append(Double(now.nanoseconds(since: Instant(nanoseconds: moment))) / 1e6)
                }
            }
        }
    }

    private func note(sequence: UInt64, _ body: (inout Seen) -> Void) {
        state.withLock { state in
            state.seen.messages += 1
            if sequence > state.last + 1 { state.seen.missed += sequence - state.last - 1 }
            state.last = sequence
            body(&state.seen)
        }
    }

    /// The whole number behind a key near the beginning of a message.
    private static func number(_ key: String, in message: [UInt8]) -> Int? {
        let pattern = [0xa0 | UInt8(key.utf8.count)] + Array(key.utf8)
        guard let start = message.indices.prefix(256).first(where: { message[$0...].starts(with: pattern) }) else {
            return nil
        }
        let place = start + pattern.count
        let width: Int
        switch message[place] {
        case 0..<0x80: return Int(message[place])
        case 0xcc: width = 1
        case 0xcd: width = 2
        case 0xce: width = 4
        case 0xcf: width = 8
        default: return nil
        }
        return message[place + 1..<place + 1 + width].reduce(0) { $0 << 8 | Int($1) }
    }
}

import LoadsEventLoop
import LoadsTransport
import Synchronization
import Testing

/// Remembers what came for a master.
final class MasterProbe: MasterReceiver {
    struct Seen {
        var control: [(message: [UInt8], peer: Peer, identity: PeerIdentity)] = []
        var results: [(message: [UInt8], identity: PeerIdentity)] = []
        var resultCount = 0
        var subscriptions: [String] = []
        var turnedAway: [String] = []
        var offLoop = 0
    }

    let seen = Mutex(Seen())
    private let loop: EventLoop
    /// What to do with a control message, on the loop.
    let onControl = Reaction<([UInt8], Peer)>()
    /// What to do with a result instead of keeping it.
    let onResult = Reaction<[UInt8]>()

    init(loop: EventLoop) { self.loop = loop }

    func received(control message: [UInt8], from peer: Peer, _ identity: PeerIdentity) {
        check()
        if onControl.take((message, peer)) { return }
        seen.withLock { $0.control.append((message, peer, identity)) }
    }
    func received(result message: [UInt8], _ identity: PeerIdentity) {
        check()
        if onResult.take(message) { return }
        seen.withLock { $0.results.append((message, identity)) }
    }
    func subscription(prefix: String, wanted: Bool) {
        check()
        seen.withLock { $0.subscriptions.append((wanted ? "+" : "-") + prefix) }
    }
    func turnedAway(_ reason: String) {
        check()
        seen.withLock { $0.turnedAway.append(reason) }
    }
    private func check() { if !loop.isOnLoop { seen.withLock { $0.offLoop += 1 } } }

    var control: [[UInt8]] { seen.withLock { $0.control.map(\.message) } }
    var peers: [Peer] { seen.withLock { $0.control.map(\.peer) } }
    var results: [[UInt8]] { seen.withLock { $0.results.map(\.message) } }
    var subscriptions: [String] { seen.withLock { $0.subscriptions } }
    var turnedAway: [String] { seen.withLock { $0.turnedAway } }
}

/// Remembers what came for an agent or a client.
final class PeerProbe: AgentReceiver, ClientReceiver {
    struct Seen {
        var control: [[UInt8]] = []
        var stream: [(topic: String, message: [UInt8])] = []
        var connections = 0
        var writable = 0
        var troubles: [String] = []
    }

    let seen = Mutex(Seen())
    /// What to do when results are taken again, on the loop.
    let onWritable = Reaction<Void>()
    /// What to do with a control message instead of keeping it.
    let onControl = Reaction<[UInt8]>()

    func connected() { seen.withLock { $0.connections += 1 } }
    func received(control message: [UInt8]) {
        if onControl.take(message) { return }
        seen.withLock { $0.control.append(message) }
    }
    func received(topic: String, _ message: [UInt8]) { seen.withLock { $0.stream.append((topic, message)) } }
    func resultsWritable() {
        seen.withLock { $0.writable += 1 }
        _ = onWritable.take(())
    }
    func trouble(_ trouble: TransportError) { seen.withLock { $0.troubles.append(trouble.message) } }

    var control: [[UInt8]] { seen.withLock { $0.control } }
    var stream: [(topic: String, message: [UInt8])] { seen.withLock { $0.stream } }
    var connections: Int { seen.withLock { $0.connections } }
    var troubles: [String] { seen.withLock { $0.troubles } }
}

/// What a test wants done with what comes, if anything.
final class Reaction<Value>: Sendable {
    // In a struct: a closure that is read out of a mutex by itself is wrapped once more each time.
    private struct Action: Sendable { let run: @Sendable (Value) -> Void }
    private let action = Mutex<Action?>(nil)

    func set(_ run: @escaping @Sendable (Value) -> Void) { action.withLock { $0 = Action(run: run) } }

    /// Whether there was anything to do.
    func take(_ value: Value) -> Bool {
        guard let action = action.withLock({ $0 }) else { return false }
        action.run(value)
        return true
    }
}

extension EventLoop {
    /// Does something on the loop and waits for it.
    @discardableResult
    func perform<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let taken = submit { continuation.resume(with: Swift.Result { try body() }) }
            if !taken { continuation.resume(throwing: CancellationError()) }
        }
    }
}

/// Waits until something holds; records an issue when it does not within three minutes.
func eventually(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = Instant.now.advanced(by: .seconds(180))
    while Instant.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("never happened: \(what)", sourceLocation: sourceLocation)
    throw CancellationError()
}

/// A number as a message, and back.
func message(_ number: Int, padding: Int = 0) -> [UInt8] {
    withUnsafeBytes(of: UInt64(number).bigEndian) { Array($0) } + [UInt8](repeating: 7, count: padding)
}
func number(_ message: [UInt8]) -> Int { Int(message.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }) }

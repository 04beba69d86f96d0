import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire

/// A master that does what a check wants, right or wrong, and keeps what an agent says.
actor ScriptedMaster: MasterReceiver {
    /// A control message and when it came.
    struct Heard: Sendable {
        var at: Instant
        var message: AgentMessage
    }

    /// A result and when it came.
    struct Result: Sendable {
        var at: Instant
        var bytes: [UInt8]
        var message: ResultMessage
        /// The runner's message in it.
        var report: RunnerReport?
    }

    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    var rules: Rules
    /// Drawn anew by a restart.
    private(set) var boot = ScriptedMaster.nonce()
    private(set) var heard: [Heard] = []
    /// In the order of their coming, repetitions included.
    private(set) var results: [Result] = []
    /// What could not be decoded.
    private(set) var faults: [String] = []
    /// What is served to whoever asks, by hash.
    var files: [String: [UInt8]] = [:]
    /// The clock in each welcome that was said, in nanoseconds.
    private(set) var welcomes: [Int64] = []
    private(set) var addresses: MasterAddresses?
    /// The connection that spoke last.
    private(set) var peer: Peer?
    private var transport: (any MasterTransport)?
    /// The last sequence number taken, for each run and epoch.
    private var taken: [String: UInt64] = [:]
    private let make: @Sendable (EventLoop, MasterAddresses) throws -> any MasterTransport

    /// - Parameter make: Makes a transport for endpoints, in which port 0 is any that is free.
    init(
        loop: EventLoop, rules: Rules,
        make: @escaping @Sendable (EventLoop, MasterAddresses) throws -> any MasterTransport
    ) {
        self.loop = loop
        self.rules = rules
        self.make = make
    }

    static func nonce() -> String {
        let digits = String(UInt64.random(in: 1...UInt64.max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Binds the channels: to free ports, or after a close to those that they had.
    @discardableResult
    func open() throws -> MasterAddresses {
        let any = "tcp://127.0.0.1:0"
        let transport = try make(loop, addresses ?? MasterAddresses(control: any, results: any, stream: any))
        let bound = try transport.open(self)
        addresses = bound
        self.transport = transport
        return bound
    }

    func close() {
        transport?.close()
        transport = nil
        peer = nil
    }

    /// Comes back as a master does that was killed: another boot, and no connection that it knows.
    func restart(after pause: Duration) async throws {
        close()
        boot = Self.nonce()
        try await loop.sleep(for: pause)
        // The old sockets are gone a moment after their close.
        for _ in 0..<100 {
            do {
                try open()
                return
            } catch let error as TransportError where error.code == .bind {
                try await loop.sleep(for: .milliseconds(50))
            }
        }
        try open()
    }

    func change(_ change: @Sendable (inout Rules) -> Void) { change(&rules) }
    func serve(_ content: [UInt8], as hash: String) { files[hash] = content }

    // MARK: What it says

    func say(_ message: MasterMessage) { say(bytes: message.encoded()) }

    func say(bytes: [UInt8]) {
        if let peer { transport?.send(bytes, to: peer) }
    }

    func welcome() -> MasterMessage {
        let sent = Instant.now.nanoseconds
        welcomes.append(sent)
        return .welcome(
            MasterWelcome(
                boot: boot, resultsPort: addresses?.resultsPort ?? 1, streamPort: addresses?.streamPort ?? 1,
                beat: rules.beat, lease: rules.lease, sent: sent, batchInterval: rules.batchInterval))
    }

    /// Acknowledges what has come of a run, without a gap, or up to a number.
    func acknowledge(_ run: String, upTo sequence: UInt64? = nil) {
        guard let last = results.last(where: { $0.message.run == run }) else { return }
        let epoch = last.message.epoch
        say(.ack(run: run, epoch: epoch, sequence: sequence ?? taken["\(run) \(epoch)"] ?? 0))
    }

    /// Loses what it has of a run after a number, as a master does that was killed before it stored it.
    func forget(_ run: String, after sequence: UInt64) {
        results.removeAll { $0.message.run == run && $0.message.sequence > sequence }
        for key in taken.keys where key.hasPrefix("\(run) ") { taken[key] = min(taken[key] ?? 0, sequence) }
    }

    // MARK: What it hears

    nonisolated func received(control message: [UInt8], from peer: Peer, _ identity: PeerIdentity) {
        let now = Instant.now
        assumeIsolated { $0.take(control: message, from: peer, at: now) }
    }

    nonisolated func received(result message: [UInt8], _ identity: PeerIdentity) {
        let now = Instant.now
        assumeIsolated { $0.take(result: message, at: now) }
    }

    nonisolated func subscription(prefix: String, wanted: Bool) {}
    nonisolated func turnedAway(_ reason: String) {}

    private func take(control bytes: [UInt8], from peer: Peer, at now: Instant) {
        self.peer = peer
        let message: AgentMessage
        do throws(WireError) {
            message = try AgentMessage(decoding: bytes)
        } catch {
            faults.append("a control message that does not decode: \(error) (\(Self.excerpt(bytes)))")
            return
        }
        heard.append(Heard(at: now, message: message))
        switch message {
        case .hello where rules.welcomes: say(welcome())
        case .beat where rules.leases:
            say(.lease(MasterLease(sent: Instant.now.nanoseconds, batchInterval: rules.batchInterval)))
        case .fetch(let hash, let offset, let count) where rules.serves: serve(hash, offset, count)
        default: break
        }
    }

    private func serve(_ hash: String, _ offset: Int, _ count: Int) {
        guard let file = files[hash] else { return }
        let end = min(file.count, offset + count)
        for start in stride(from: offset, to: end, by: FileChunk.limit) {
            var bytes = Array(file[start..<min(end, start + FileChunk.limit)])
            if rules.damages { bytes[0] ^= 1 }
            say(.chunk(FileChunk(hash: hash, offset: start, bytes: bytes)))
        }
    }

    private func take(result bytes: [UInt8], at now: Instant) {
        do throws(WireError) {
            let message = try ResultMessage(decoding: bytes)
            var report: RunnerReport?
            if case .report(let inner) = message.content { report = try RunnerReport(decoding: inner) }
            results.append(Result(at: now, bytes: bytes, message: message, report: report))
            let key = "\(message.run) \(message.epoch)"
            if message.sequence == (taken[key] ?? 0) + 1 { taken[key] = message.sequence }
            if rules.acknowledges { acknowledge(message.run) }
        } catch {
            faults.append("a result that does not decode: \(error) (\(Self.excerpt(bytes)))")
        }
    }

    private static func excerpt(_ bytes: [UInt8]) -> String {
        let text = bytes.prefix(24).map { String($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
        return "\(bytes.count) bytes: \(text)\(bytes.count > 24 ? " …" : "")"
    }
}

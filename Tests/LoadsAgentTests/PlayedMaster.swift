import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire
import Synchronization

/// What a played master has seen, in order.
enum Seen: Sendable, Equatable {
    case hello(AgentHello)
    case beat(AgentBeat)
    case status(String, AgentRunState)
    case fetch(hash: String, offset: Int, bytes: Int)
    case goodbye(String)
    case fault(WireFault)
    case result(ResultMessage)
}

/// A master that does what a test wants: welcomes, starts what is ready, acknowledges, unless it is told not to.
final class PlayedMaster: MasterReceiver, Sendable {
    struct Manners: Sendable {
        var welcomes = true
        var leases = true
        var acknowledges = true
        /// Starts a run as soon as it is ready.
        var starts = true
        var boot = "00000000000000aa"
        /// How long its agents may be without a word of it.
        var lease = Duration.seconds(5)
        /// What is given for a fetch; nil is no answer.
        var file: @Sendable (_ hash: String, _ offset: Int, _ bytes: Int) -> [MasterMessage] = { hash, _, _ in
            [.error(WireFault(code: "unknown-file", message: "no such file: \(hash)"))]
        }
    }

    private struct State {
        var manners = Manners()
        var seen: [Seen] = []
        var agent: Peer?
        var waiting: [MasterMessage] = []
        var addresses: MasterAddresses?
        var next: [String: UInt64] = [:]
    }

    private let state = Mutex(State())
    let transport: any MasterTransport

    init(_ transport: any MasterTransport, _ manners: Manners = Manners()) {
        self.transport = transport
        state.withLock { $0.manners = manners }
    }

    /// To be called on the transport's loop.
    func open() throws -> MasterAddresses {
        let addresses = try transport.open(self)
        state.withLock { $0.addresses = addresses }
        return addresses
    }

    func behave(_ change: @Sendable (inout Manners) -> Void) { state.withLock { change(&$0.manners) } }

    var seen: [Seen] { state.withLock { $0.seen } }

    /// Sends a message to the agent, once it is welcome. From any thread.
    func tell(_ message: MasterMessage) {
        transport.loop.submit { [self] in
            let peer = state.withLock { state in
                if state.agent == nil { state.waiting.append(message) }
                return state.agent
            }
            if let peer { transport.send(message.encoded(), to: peer) }
        }
    }

    /// Waits until something has been seen; for at most two minutes.
    func sees<Found: Sendable>(_ what: @Sendable (Seen) -> Found?) async -> Found? {
        for _ in 0..<24_000 {
            if let found = seen.lazy.compactMap(what).first { return found }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return nil
    }

    /// Waits until the end of a run has come in sequence.
    func end(of run: String) async -> RunnerEnd? {
        await sees { seen in
            if case .result(let message) = seen, message.run == run, case .ended(let end) = message.content {
                end
            } else {
                nil
            }
        }
    }

    private var resultsPort: Int {
        let address = state.withLock { $0.addresses?.results } ?? ""
        return address.split(separator: ":").last.flatMap { Int($0) } ?? 7781
    }

    // MARK: On the loop

    func received(control message: [UInt8], from peer: Peer, _ identity: PeerIdentity) {
        guard let message = try? AgentMessage(decoding: message) else { return }
        let manners = state.withLock { $0.manners }
        switch message {
        case .hello(let hello):
            note(.hello(hello))
            guard manners.welcomes else { return }
            let waiting = state.withLock { state in
                state.agent = peer
                defer { state.waiting = [] }
                return state.waiting
            }
            var welcome = MasterWelcome(
                boot: manners.boot, resultsPort: resultsPort, streamPort: 7782, sent: Instant.now.nanoseconds)
            welcome.lease = manners.lease.wholeNanoseconds
            welcome.beat = min(welcome.beat, welcome.lease / 4)
            transport.send(MasterMessage.welcome(welcome).encoded(), to: peer)
            for message in waiting { transport.send(message.encoded(), to: peer) }
        case .beat(let beat):
            note(.beat(beat))
            guard manners.leases else { return }
            transport.send(MasterMessage.lease(MasterLease(sent: Instant.now.nanoseconds)).encoded(), to: peer)
        case .status(let run, let state):
            note(.status(run, state))
            guard manners.starts, state == .ready else { return }
            let start = MasterMessage.start(run: run, at: Instant.now.nanoseconds)
            transport.send(start.encoded(), to: peer)
        case .fetch(let hash, let offset, let bytes):
            note(.fetch(hash: hash, offset: offset, bytes: bytes))
            for answer in manners.file(hash, offset, bytes) { transport.send(answer.encoded(), to: peer) }
        case .goodbye(let reason): note(.goodbye(reason))
        case .error(let fault): note(.fault(fault))
        }
    }

    func received(result message: [UInt8], _ identity: PeerIdentity) {
        guard let message = try? ResultMessage(decoding: message) else { return }
        let (acknowledges, peer) = state.withLock { state -> (Bool, Peer?) in
            state.seen.append(.result(message))
            let next = state.next[message.run, default: 1]
            if message.sequence == next { state.next[message.run] = next + 1 }
            return (state.manners.acknowledges, state.agent)
        }
        guard acknowledges, let peer else { return }
        let sequence = state.withLock { $0.next[message.run]! - 1 }
        let ack = MasterMessage.ack(run: message.run, epoch: message.epoch, sequence: sequence)
        transport.send(ack.encoded(), to: peer)
    }

    func subscription(prefix: String, wanted: Bool) {}
    func turnedAway(_ reason: String) {}

    private func note(_ what: Seen) { state.withLock { $0.seen.append(what) } }
}

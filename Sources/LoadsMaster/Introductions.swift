import LoadsEventLoop
import LoadsTransport
import LoadsWire

/// Agents that have said hello and have not yet shown that they are there. A pure structure.
///
/// Whoever saw a hello can say it again, on a connection of his own. Only who reads what the master says there now can
/// echo it, as an agent's beats do: until such a beat comes nothing is changed, and what else the agent says is kept.
struct Introductions {
    /// Somebody who may be the agent that he says he is.
    struct Introduction {
        var hello: AgentHello
        var identity: PeerIdentity
        /// What came after the hello, to be dealt with once it is proven.
        var held: [AgentMessage] = []
        /// The clock readings that the master has sent him, in nanoseconds, the newest last.
        fileprivate var said: [Int64] = []
        /// When he said hello last.
        fileprivate var at: Instant
    }

    private var waiting: [Peer: Introduction] = [:]
    /// The peers of each identity, the oldest first.
    private var peers: [String: [Peer]] = [:]
    private let patience: Duration

    /// Introductions at once, and of one identity: the oldest of those makes room.
    static let limit = 4_096
    static let identityLimit = 4
    /// Messages kept, and readings that may be echoed.
    static let heldLimit = 64
    private static let saidLimit = 8

    /// - Parameter patience: How long a proof is waited for.
    init(patience: Duration) { self.patience = patience }

    func isWaiting(_ peer: Peer) -> Bool { waiting[peer] != nil }

    /// Takes a hello in; said again on the same connection, it takes the place of the earlier one.
    ///
    /// - Parameter said: The master's clock in the welcome that answers it, in nanoseconds.
    /// - Returns: Whether there was room.
    mutating func take(
        _ hello: AgentHello, from peer: Peer, _ identity: PeerIdentity, said: Int64, at now: Instant
    ) -> Bool {
        let earlier = forget(peer)
        guard waiting.count < Self.limit else { return false }
        while let oldest = peers[hello.agent]?.first, peers[hello.agent]!.count >= Self.identityLimit { forget(oldest) }
        var new = Introduction(hello: hello, identity: identity, at: now)
        if let earlier, earlier.hello.agent == hello.agent { (new.said, new.held) = (earlier.said, earlier.held) }
        waiting[peer] = new
        peers[hello.agent, default: []].append(peer)
        told(said, to: peer)
        return true
    }

    /// The master has said what its clock shows: that may be echoed.
    mutating func told(_ reading: Int64, to peer: Peer) {
        guard var introduction = waiting[peer] else { return }
        introduction.said = introduction.said.suffix(Self.saidLimit - 1) + [reading]
        waiting[peer] = introduction
    }

    /// Keeps what somebody says before the proof. Beyond the limit nothing is kept: an agent asks again.
    mutating func hold(_ message: AgentMessage, from peer: Peer) {
        guard let count = waiting[peer]?.held.count, count < Self.heldLimit else { return }
        waiting[peer]!.held.append(message)
    }

    /// The introduction that a beat proves, which is over then; nil when it proves nothing.
    mutating func proven(by beat: AgentBeat, from peer: Peer) -> Introduction? {
        guard let echo = beat.echo, waiting[peer]?.said.contains(echo.masterSent) == true else { return nil }
        return forget(peer)
    }

    @discardableResult
    mutating func forget(_ peer: Peer) -> Introduction? {
        guard let gone = waiting.removeValue(forKey: peer) else { return nil }
        peers[gone.hello.agent]?.removeAll { $0 == peer }
        if peers[gone.hello.agent]?.isEmpty == true { peers[gone.hello.agent] = nil }
        return gone
    }

    /// Gives up those that have proven nothing for too long.
    ///
    /// - Returns: Their hellos.
    mutating func tick(at now: Instant) -> [AgentHello] {
        let late = waiting.filter { $0.value.at.advanced(by: patience) <= now }
        return late.keys.compactMap { forget($0)?.hello }
    }
}

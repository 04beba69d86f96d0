import LoadsEventLoop
import LoadsTransport
import LoadsWire

/// An agent as its master knows it.
struct KnownAgent {
    enum Presence {
        /// It has a lease.
        case present
        /// Its lease has ended; it may come back.
        case silent
        /// Given up.
        case lost
        /// It has said goodbye.
        case gone
    }

    var hello: AgentHello
    /// Where it is reached; nil after a restart of the master, until it says hello.
    var peer: Peer?
    /// The key that its identity is bound to.
    var key: String?
    /// When it gave its last sign of life.
    var heard: Instant
    var presence = Presence.present
    var clock = ClockOffset()
    var usage = HostUsage()
    /// Results that it has and that are not acknowledged, as its last beat says.
    var waiting = (messages: 0, bytes: 0)
    /// When it said hello.
    var welcomed: Instant
    /// It has said that it was told to end, or has ended its users by itself as one does that was: it gets no run until it
    /// says hello anew.
    var isLeaving = false

    init(hello: AgentHello, peer: Peer? = nil, key: String? = nil, heard: Instant, presence: Presence = .present) {
        self.hello = hello
        self.peer = peer
        self.key = key
        self.heard = heard
        self.presence = presence
        welcomed = heard
    }

    var epoch: String { hello.epoch }
}

/// The agents of a master: who they are, where they are reached, and who has a lease. A pure structure.
struct AgentRegistry {
    /// What came of a hello.
    enum Welcome: Equatable {
        /// It is new, or back after it was given up or had left.
        case new
        /// The same epoch: it goes on where it was.
        case back
        /// The agent was restarted and its spool is lost: what it held under this epoch never comes.
        case restarted(lostEpoch: String)
        case refused(WireFault)
    }

    /// What time brings.
    enum Change: Equatable {
        case silent(String)
        case lost(String)
    }

    private(set) var agents: [String: KnownAgent] = [:]
    private var byPeer: [Peer: String] = [:]
    /// Keys that identities were bound to before: a name belongs to the first key that used it.
    private(set) var keys: [String: String]
    /// What changed in ``keys`` and is not stored yet; nil is one that is forgotten.
    private var changedKeys: [String: String?] = [:]
    /// The identities of each key, the oldest first.
    private var identities: [String: [String]] = [:]
    private let lease: Duration
    private let grace: Duration
    private let sharedClock: Bool

    /// Identities kept; those that left longest ago make room for new ones.
    static let limit = 20_000
    /// Identities kept for each key: an agent without a folder of its own draws a new one at each start. The oldest that
    /// is away makes room for a new one.
    static let identityLimit = 1_000

    init(lease: Duration, grace: Duration, sharedClock: Bool = false, keys: [String: String] = [:]) {
        self.lease = lease
        self.grace = grace
        self.sharedClock = sharedClock
        self.keys = keys
        for (agent, key) in keys.sorted(by: { $0.key < $1.key }) { identities[key, default: []].append(agent) }
    }

    subscript(id: String) -> KnownAgent? { agents[id] }

    /// The agent at a peer.
    func agent(at peer: Peer) -> String? { byPeer[peer] }

    /// Agents with a lease.
    var present: Int { agents.values.count { $0.presence == .present } }

    /// What waits on the agents with a lease.
    var backlog: [BacklogWatch.Waiting] {
        agents.values.filter { $0.presence == .present }.map {
            BacklogWatch.Waiting(agent: $0.hello.agent, messages: $0.waiting.messages, bytes: $0.waiting.bytes)
        }
    }

    /// An agent of which a stored run says that it has a part in it: it may come back until its grace is over.
    mutating func expect(id: String, name: String, epoch: String, at now: Instant) {
        guard agents[id] == nil else { return }
        let hello = AgentHello(
            agent: id, name: name, epoch: epoch, software: "",
            platform: Platform(system: "", architecture: "", library: ""), cores: 1, memoryBytes: 0)
        agents[id] = KnownAgent(hello: hello, key: keys[id], heard: now, presence: .silent)
    }

    mutating func hello(_ hello: AgentHello, from peer: Peer, _ identity: PeerIdentity, at now: Instant) -> Welcome {
        if let fault = refusal(of: hello, from: peer, identity, at: now) { return .refused(fault) }
        let known = agents[hello.agent]
        if known == nil, agents.count >= Self.limit, !makeRoom() {
            return .refused(WireFault(code: "full", message: "this master has \(Self.limit) agents already"))
        }
        if let key = identity.key, keys[hello.agent] == nil, !bind(hello.agent, to: key) {
            return .refused(
                WireFault(
                    code: "full",
                    message: "the key \(key) has \(Self.identityLimit) agents at once: give others another"))
        }
        if let peer = known?.peer { byPeer[peer] = nil }
        // A connection that changes its name leaves the old one behind.
        if let other = byPeer[peer], other != hello.agent { agents[other]?.peer = nil }
        byPeer[peer] = hello.agent
        var agent = KnownAgent(hello: hello, peer: peer, key: identity.key, heard: now)
        if sharedClock { agent.clock = .none }
        guard let known else {
            agents[hello.agent] = agent
            return .new
        }
        let same = known.epoch == hello.epoch
        // An epoch outlives a restart of the agent's machine, its clock does not: only the same connection is certainly the
        // same process. The beat that proves a new one brings the first sample.
        if same, known.peer == peer, !sharedClock { agent.clock = known.clock }
        agents[hello.agent] = agent
        return same ? .back : .restarted(lostEpoch: known.epoch)
    }

    /// A beat: the lease goes on.
    ///
    /// - Returns: The agent, and whether it had been silent; nil when nobody is known at that peer.
    mutating func beat(_ beat: AgentBeat, from peer: Peer, at now: Instant) -> (id: String, wasSilent: Bool)? {
        guard let id = byPeer[peer], var agent = agents[id], agent.presence == .present || agent.presence == .silent
        else { return nil }
        let wasSilent = agent.presence == .silent
        agent.presence = .present
        agent.heard = now
        agent.usage = beat.usage
        if beat.isLeaving { agent.isLeaving = true }
        agent.waiting = (beat.spoolMessages, beat.spoolBytes)
        if let echo = beat.echo, !sharedClock {
            agent.clock.take(
                sent: echo.masterSent, received: echo.received, answered: beat.sent, now: now.nanoseconds)
        }
        agents[id] = agent
        return (id, wasSilent)
    }

    /// An agent has ended its users by itself.
    ///
    /// - Parameter instant: When they had ended; nil if none had started. One that ended them before it said hello had no
    ///   master for too long, and stays.
    mutating func left(_ id: String, epoch: String, at instant: Instant?) {
        guard let agent = agents[id], agent.epoch == epoch else { return }
        if let instant, instant < agent.welcomed { return }
        agents[id]!.isLeaving = true
    }

    mutating func goodbye(from peer: Peer) -> String? {
        guard let id = byPeer.removeValue(forKey: peer) else { return nil }
        agents[id]?.presence = .gone
        agents[id]?.peer = nil
        return id
    }

    /// The master itself did not run: what agents said meanwhile is heard only now.
    mutating func wasPaused(for pause: Duration, until now: Instant) {
        for id in agents.keys { agents[id]!.heard = min(now, agents[id]!.heard.advanced(by: pause)) }
    }

    /// Whose lease or grace has ended by now.
    mutating func tick(at now: Instant) -> [Change] {
        var changes: [Change] = []
        for (id, agent) in agents {
            switch agent.presence {
            case .present where agent.heard.advanced(by: lease) <= now:
                agents[id]!.presence = .silent
                changes.append(.silent(id))
            case .silent where agent.heard.advanced(by: grace) <= now:
                agents[id]!.presence = .lost
                changes.append(.lost(id))
            default: break
            }
        }
        return changes
    }

    /// Whether a result that claims to be an agent's comes from that agent's key.
    func mayReport(_ id: String, _ identity: PeerIdentity) -> Bool {
        guard identity.roles.contains(.agent), let agent = agents[id] else { return false }
        return agent.key == identity.key
    }

    /// Whether an agent is known at a peer already, under the same epoch.
    func isBound(_ hello: AgentHello, to peer: Peer) -> Bool {
        byPeer[peer] == hello.agent && agents[hello.agent]?.epoch == hello.epoch
    }

    /// Why an agent is not taken in; nil when it may be.
    func refusal(of hello: AgentHello, from peer: Peer, _ identity: PeerIdentity, at now: Instant) -> WireFault? {
        guard identity.roles.contains(.agent) else {
            return WireFault(
                code: "role",
                message: "the key \(identity.key ?? "") is no agent's: its public half belongs into the master's "
                    + "agents/ folder")
        }
        guard WireLimits.isIdentifier(hello.agent) else {
            return WireFault(
                code: "malformed",
                message: "an agent's identity has 1 to 64 characters: letters, digits, -, _ and ., the first no .")
        }
        if let key = keys[hello.agent], key != identity.key {
            return WireFault(
                code: "duplicate",
                message: "the agent \(hello.agent) belongs to the key \(key): give this one another --id")
        }
        guard let known = agents[hello.agent], known.epoch != hello.epoch, known.presence == .present,
            known.peer != peer, known.heard.advanced(by: lease) > now
        else { return nil }
        return WireFault(
            code: "duplicate",
            message: "an agent \(hello.agent) is connected already: give this one another --id. If it was just "
                + "restarted, it is taken once the old one's lease has ended")
    }

    /// Binds an identity to the key that used it first. Whether there was room.
    private mutating func bind(_ agent: String, to key: String) -> Bool {
        var known = identities[key, default: []]
        if known.count >= Self.identityLimit {
            let away = known.firstIndex { id in
                guard let agent = agents[id] else { return true }
                return agent.presence == .gone || agent.presence == .lost
            }
            guard let away else { return false }
            let oldest = known.remove(at: away)
            keys[oldest] = nil
            changedKeys[oldest] = .some(nil)
        }
        known.append(agent)
        identities[key] = known
        keys[agent] = key
        changedKeys[agent] = key
        return true
    }

    /// The keys that changed since the last call; nil is an identity that is forgotten.
    mutating func takeChangedKeys() -> [String: String?] {
        defer { changedKeys = [:] }
        return changedKeys
    }

    /// Takes back what could not be stored: it goes with the next.
    mutating func restore(changedKeys keys: [String: String?]) { changedKeys.merge(keys) { newer, _ in newer } }

    private mutating func makeRoom() -> Bool {
        let away = agents.filter { $0.value.presence == .gone || $0.value.presence == .lost }
        guard let oldest = away.min(by: { $0.value.heard < $1.value.heard }) else { return false }
        if let peer = oldest.value.peer { byPeer[peer] = nil }
        agents[oldest.key] = nil
        return true
    }
}

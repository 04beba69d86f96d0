public import LoadsEventLoop

/// A master's three channels, whatever carries them. ZeroMQ and the in-process twin both do.
///
/// Confined to its loop: every call is made there, and so is every call of the receiver.
public protocol MasterTransport: AnyObject, Sendable {
    /// Where every call is made.
    var loop: EventLoop { get }
    /// Opens the channels. What comes from now on goes to the receiver, which is kept until ``close()``.
    ///
    /// - Throws: ``TransportError`` when an address cannot be bound, or may not be without keys.
    func open(_ receiver: any MasterReceiver) throws(TransportError) -> MasterAddresses
    /// Sends a control message to an agent or client. Messages to one peer arrive in order.
    ///
    /// - Returns: False when the peer is gone or takes nothing more now; the message was dropped.
    @discardableResult func send(_ message: [UInt8], to peer: Peer) -> Bool
    /// Publishes a message to everybody who subscribes to a prefix of the topic. A subscriber that is too slow misses it.
    func publish(_ message: [UInt8], topic: String)
    /// Closes the channels; what was sent is given a moment to leave. Nothing is received any more.
    func close()
    /// What was dropped since the transport was made.
    var counters: TransportCounters { get }
}

extension MasterTransport {
    /// Nothing is dropped, as in one process.
    public var counters: TransportCounters { TransportCounters() }
}

/// What a transport dropped, as far as it can know.
public struct TransportCounters: Sendable, Equatable {
    /// Control messages to a peer that was gone or took nothing more.
    public var undelivered = 0
    /// Messages that a slow subscriber missed. ZeroMQ does not tell: there the subscriber sees it by the sequence.
    public var missed = 0
    /// Messages with other frames than the channel's: they reach no receiver.
    public var malformed = 0
    /// Connections that were turned away: a wrong key, a key of the wrong role, no key, another protocol.
    public var turnedAway = 0
    /// Nothing was dropped.
    public init() {}
}

/// Receives what comes for a master, on the transport's loop.
public protocol MasterReceiver: AnyObject, Sendable {
    /// A control message.
    func received(control message: [UInt8], from peer: Peer, _ identity: PeerIdentity)
    /// A results message. While this is not answered by an acknowledgement its agent keeps it.
    func received(result message: [UInt8], _ identity: PeerIdentity)
    /// The first subscriber to a prefix has come, or the last has gone.
    func subscription(prefix: String, wanted: Bool)
    /// A peer was turned away before it could say anything: a wrong key, a key of the wrong role, no key. Repetitions
    /// are told at most once in ten seconds.
    func turnedAway(_ reason: String)
}

/// The other end of a control connection, as its transport knows it. Another connection of the same program is another.
public struct Peer: Hashable, Sendable {
    /// Bytes that only the transport understands; other for each connection.
    public let routing: [UInt8]
    /// - Parameter routing: Of the transport's own making.
    public init(routing: [UInt8]) { self.routing = routing }
}

/// What a peer may do.
public enum PeerRole: String, Sendable, CaseIterable {
    /// Carries out runs.
    case agent
    /// Starts, watches and stops runs.
    case client
    /// Subscribes to the stream, and asks for snapshots and status.
    case watcher
}

/// Who a peer has proved to be.
public struct PeerIdentity: Hashable, Sendable {
    /// The roles of its key; all of them without keys, on loopback.
    public var roles: Set<PeerRole>
    /// The name of its public key's file; nil without keys.
    public var key: String?
    /// - Parameters:
    ///   - roles: What its key may do.
    ///   - key: The name of its public key's file.
    public init(roles: Set<PeerRole>, key: String?) {
        self.roles = roles
        self.key = key
    }

    /// Anybody on loopback, where no keys are needed.
    public static let loopback = PeerIdentity(roles: Set(PeerRole.allCases), key: nil)
}

/// Where a master's channels are bound: endpoints such as `tcp://127.0.0.1:7780`, with the port that was chosen.
public struct MasterAddresses: Sendable, Equatable {
    /// Where agents and clients speak with the master.
    public var control: String
    /// Where agents deliver what they measure.
    public var results: String
    /// Where everything is published.
    public var stream: String
    /// - Parameters: Endpoints such as `tcp://127.0.0.1:7780`.
    public init(control: String, results: String, stream: String) {
        self.control = control
        self.results = results
        self.stream = stream
    }

    /// The results channel's port; 1 in one process, where nobody looks at it.
    public var resultsPort: Int { Self.port(of: results) }
    /// The stream's port; 1 in one process, where nobody looks at it.
    public var streamPort: Int { Self.port(of: stream) }

    private static func port(of endpoint: String) -> Int {
        endpoint.lastIndex(of: ":").flatMap { Int(endpoint[endpoint.index(after: $0)...]) } ?? 1
    }
}

/// Why a channel could not be opened.
public struct TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of reasons.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The word that stands for it.
        public var rawValue: String
        /// A kind of one's own.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// Not an endpoint: `tcp://HOST:PORT`.
        public static let address = Code(rawValue: "address")
        /// In use, or not this machine's.
        public static let bind = Code(rawValue: "bind")
        /// Keys are needed beyond loopback; or a key's file is missing, open to others, or no key; or the other side does
        /// not accept them.
        public static let keys = Code(rawValue: "keys")
        /// Nobody answers there.
        public static let unreachable = Code(rawValue: "unreachable")
        /// Who answers there does not speak as a master does, or breaks off.
        public static let stranger = Code(rawValue: "stranger")
        /// The system refuses (descriptors, memory).
        public static let system = Code(rawValue: "system")
    }

    /// The kind.
    public var code: Code
    /// What happened, to what, and what to do.
    public var message: String
    /// - Parameter message: What happened, to what, and what to do.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
    public var description: String { message }
}

import LoadsCore

/// Why bytes are no message.
public struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of reasons.
    public struct Code: Sendable, Hashable {
        /// The word that stands for it on the wire.
        public let rawValue: String
        /// A kind of one's own.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// Not MessagePack, or cut off.
        public static let malformed = Code(rawValue: "malformed")
        /// Longer, deeper or more numerous than any message may be.
        public static let tooLarge = Code(rawValue: "tooLarge")
        /// A version of the protocol that this side does not speak.
        public static let version = Code(rawValue: "version")
        /// MessagePack, but a field is missing, of another type, or out of its range.
        public static let field = Code(rawValue: "field")
        /// The other side is not there, or said something out of turn.
        public static let conversation = Code(rawValue: "conversation")
    }

    /// The kind.
    public var code: Code
    /// What is wrong, and with which field.
    public var message: String

    /// - Parameter message: What is wrong, with what, for a person.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    static func field(_ name: StaticString, _ expected: String) -> WireError {
        WireError(code: .field, message: "message field \(name): not \(expected)")
    }
}

/// The bounds of the protocol. Nothing is allocated for a message that exceeds them.
public enum WireLimits {
    /// The version that this side writes and reads.
    public static let version = 1
    /// The longest message, in bytes, without its length prefix.
    public static let messageBytes = 8 << 20
    /// The longest frame on a socket: a runner's message in its envelope.
    public static let frameBytes = messageBytes + 4096
    /// Arrays and maps inside one another.
    static let depth = 12
    /// Objects of a message, all levels together.
    static let objects = 1_000_000
    /// Names, error kinds or failure places of a message.
    static let groups = 20_000
    /// Raw hits of a message.
    static let hits = 60_000
    /// The largest count in one message: adding up millions of messages cannot overflow.
    static let count = 1 << 42
    /// The largest sum over many messages; it is exact in JSON, too.
    static let total = 1 << 53
    /// Users of an agent.
    static let users = Plan.userLimit
    /// Longer strings are cut when they are written, in bytes.
    public static let stringBytes = 32 << 10
}

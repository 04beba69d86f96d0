import LoadsWire

/// Why a master did not do what a client asked for.
public struct ClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of reasons.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The word that stands for it: on the wire, for what the master says.
        public var rawValue: String
        /// A kind that this version does not know by name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// No answer came in time: no master there, or no way to it.
        public static let noAnswer = Code(rawValue: "no-answer")
        /// The master turns the key away, or is not the one whose key this side knows.
        public static let keys = Code(rawValue: "keys")
        /// The master of a run that was followed does not come back: what becomes of the run is not known.
        public static let away = Code(rawValue: "away")
        /// The channel could not be opened.
        public static let transport = Code(rawValue: "transport")
        /// A file to be sent cannot be read.
        public static let file = Code(rawValue: "file")
        /// The master said something that makes no sense.
        public static let conversation = Code(rawValue: "conversation")
    }

    /// One of the above, or the code of the master's ``WireFault``: `unknown-run`, `role` …
    public var code: Code
    /// What happened, to what, and what to do.
    public var message: String

    /// - Parameter message: What happened, to what, and what to do.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    init(_ fault: WireFault) { self.init(code: Code(rawValue: fault.code), message: fault.message) }

    public var description: String { message }
}

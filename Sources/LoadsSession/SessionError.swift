/// Why no complete response arrived. A response of any status, 500 included, is no error.
public struct SessionError: Error, Sendable, CustomStringConvertible {
    /// The kind of error. An extensible set: compare with the constants.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// One word, as reports show it.
        public let name: String
        /// A kind of one's own.
        public init(_ name: String) { self.name = name }
        public var description: String { name }

        /// The host name has no address, or its name server did not answer.
        public static let resolve = Code("resolve")
        /// The connection was refused or not made in time.
        public static let connect = Code("connect")
        /// This machine has no file descriptor, or no local port, left for a connection.
        public static let descriptors = Code("descriptors")
        /// The TLS handshake or the verification of the certificate failed.
        public static let tls = Code("tls")
        /// The response was not complete in time.
        public static let timeout = Code("timeout")
        /// The server closed or reset the connection before the response was complete.
        public static let reset = Code("reset")
        /// More redirects than the session follows.
        public static let tooManyRedirects = Code("tooManyRedirects")
        /// The URL cannot be requested.
        public static let badURL = Code("badURL")
        /// The body is larger than the session takes.
        public static let bodyTooLarge = Code("bodyTooLarge")
        /// The task was cancelled.
        public static let cancelled = Code("cancelled")
        /// The server's answer is not HTTP, or breaks its rules.
        public static let `protocol` = Code("protocol")
        /// The proxy refused or could not be reached.
        public static let proxy = Code("proxy")
        /// The body could not be decoded, or the request's could not be made.
        public static let body = Code("body")
        /// `requireSuccess()` on a response whose status is 400 or above.
        public static let status = Code("status")
        /// A hook of the session threw; what it threw is the cause.
        public static let hook = Code("hook")
    }

    /// The kind of error; errors of hits are grouped by its name.
    public let code: Code
    /// What happened, to which URL, and what to do.
    public let message: String
    /// The URL requested, as far as it is known.
    public let url: String
    /// What a hook threw; nil otherwise.
    public let cause: (any Error)?
    /// What an engine's exchange had cost when it failed; nil of what is no engine's error.
    var cost: ExchangeCost?

    /// - Parameters:
    ///   - message: What happened, to which URL, and what to do.
    ///   - cause: The error behind it, if there is one.
    public init(code: Code, message: String, url: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.url = url
        self.cause = cause
    }

    public var description: String { "\(code): \(message)" }

    static func cancelled(_ url: String) -> SessionError {
        SessionError(code: .cancelled, message: "\(url): the task was cancelled", url: url)
    }
}

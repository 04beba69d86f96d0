public import HTTPTypes

/// What holds for all calls of a session, unless a call says otherwise.
///
/// ```swift
/// let session = Session(baseURL: "https://staging.example.org") {
///     $0.auth = .bearer(token)
///     $0.timeout = .seconds(5)
///     $0.tls.caFile = "staging-ca.pem"
/// }
/// ```
public struct SessionConfiguration: Sendable {
    /// A hook on each request, redirects included, right before it is sent. It may change all but the host.
    public typealias RequestHook = @Sendable (inout Request) async throws -> Void
    /// A hook on each complete response, redirects included.
    public typealias ResponseHook = @Sendable (Response) async throws -> Void

    /// Sent with every request. `User-Agent`, `Accept` and `Accept-Encoding` have defaults, which these replace.
    public var headers = HTTPFields()
    /// Who the session is.
    public var auth = Auth.anonymous
    /// How long the server's name may take to be found, and after that how long a connection may take to open, TLS
    /// included: together at most twice this. Above zero.
    public var connectTimeout = Duration.seconds(10)
    /// How long a call may take from the call to the last byte, redirects included. Above zero. A load run's
    /// `--timeout` replaces it; a call's own `timeout:` wins over both.
    public var timeout = Duration.seconds(60)
    /// Whether redirects are followed.
    public var followsRedirects = true
    /// The most redirects that one call follows.
    public var maxRedirects = 30
    /// Certificates.
    public var tls = TLS()
    /// A proxy: `http://`, `https://`, `socks4://`, `socks5://` or `socks5h://` with host and port. The proxy
    /// variables of the environment are not read.
    public var proxy: String?
    /// The path of a Unix socket to connect to, whatever the URL's host.
    public var unixSocket: String?
    /// Addresses to use for `host:port`, without touching URL, Host header or SNI: `["host:443": "127.0.0.1"]`.
    public var resolve: [String: String] = [:]
    /// Whether HTTP/2 is used where the server offers it over TLS.
    public var allowsHTTP2 = true
    /// The largest body that is taken, in bytes, compressed and decompressed; a larger one is `.bodyTooLarge`.
    public var maxBodySize = 256 << 20
    /// Whether compressed bodies are asked for and decompressed.
    public var decompresses = true
    /// The cookies to begin with.
    public var cookies = CookieJar()
    /// Called in order.
    public var onRequest: [RequestHook] = []
    /// Called in order.
    public var onResponse: [ResponseHook] = []

    /// The defaults of all its fields.
    public init() {}

    /// How servers are trusted, and what is shown to them.
    public struct TLS: Sendable, Equatable {
        /// Whether certificates are verified. Off only on purpose.
        public var verifies = true
        /// A PEM file of the authorities to trust; nil is the system's.
        public var caFile: String?
        /// A PEM file with the client's certificate.
        public var certificateFile: String?
        /// A PEM file with its key; nil if the certificate's file has it.
        public var keyFile: String?
        /// Certificates are verified against the system's authorities, and none is shown.
        public init() {}
    }
}

/// A request on its way, as hooks see it.
public struct Request: Sendable {
    /// A hook may change it.
    public var method: HTTPRequest.Method
    /// Absolute. Another host than before is an error.
    public var url: String
    /// All fields but those of the connection.
    public var headers: HTTPFields
    /// nil when there is none, or when it is streamed.
    public var body: [UInt8]?
}

internal import HTTPTypes
internal import LoadsCore
internal import LoadsEventLoop

/// Performs exactly one exchange: one request, one response. Redirects, cookies, basic and bearer auth,
/// decompression, history and hooks live above it, once for all engines.
///
/// An engine belongs to one user (or, outside a load run, to one session) and owns its connections. It is confined
/// to its loop's thread: `perform` is called there, and resumes there.
protocol Engine: UserAttachment, Sendable {
    /// Performs an exchange.
    ///
    /// Cancelling the task aborts the transfer. A response of any status is a result, not an error. An error tells what
    /// the exchange had cost until then (``SessionError/cost``).
    func perform(_ exchange: Exchange) async throws(SessionError) -> ExchangeResult
}

/// One request as an engine sends it: nothing is left to add but what the connection itself needs.
struct Exchange: Sendable {
    var method: HTTPRequest.Method = .get
    /// Absolute, percent-encoded, `http` or `https`, without user information or fragment.
    var url: String
    /// Sent as they are, in this order. `Host`, `Content-Length` and `Transfer-Encoding` are the engine's.
    var headers: [(name: String, value: String)] = []
    var body: ExchangeBody = .none
    var connection = ConnectionOptions()
    /// When the exchange is given up with `.timeout`.
    var deadline: Instant
    var receive: ReceiveMode = .whole(limit: 256 << 20)
}

/// What an engine sends after the headers.
enum ExchangeBody: Sendable {
    case none
    case bytes([UInt8])
    /// A stream of chunks; nil ends it. `length` nil sends it chunked. Called on the loop, one call at a time.
    case stream(length: Int?, next: @Sendable () async throws -> [UInt8]?)
}

/// What an engine does with a response's body.
enum ReceiveMode: Sendable {
    /// Collects it; more bytes than the limit end in `.bodyTooLarge`.
    case whole(limit: Int)
    /// Returns after the headers; the body comes from ``ExchangeResult/stream``.
    case stream
    /// Counts its bytes and forgets them.
    case discard
}

/// How to reach the server; part of what tells connections apart.
struct ConnectionOptions: Sendable, Hashable {
    var connectTimeout: Duration = .seconds(10)
    var verifiesTLS = true
    /// PEM files; nil is the system's store, or no client certificate.
    var caFile: String?
    var certificateFile: String?
    var keyFile: String?
    /// `http://`, `https://`, `socks5://` … ; nil is a direct connection. The environment's proxies are not read.
    var proxy: String?
    var unixSocket: String?
    /// `host:port` to address, without touching URL, Host header or SNI.
    var pins: [String: String] = [:]
    /// Digest credentials; the engine answers the challenge and counts both exchanges.
    var digestUser: String?
    var digestPassword: String?
    var allowsHTTP2 = true
}

/// One response.
struct ExchangeResult: Sendable {
    var status: Int
    /// `HTTP/1.1`, `HTTP/2`.
    var version: String
    /// The raw header block of the final response, CRLF between lines, without the status line. Parsed when needed.
    var head: [UInt8]
    /// The body as received (compressed if it was); empty when streamed or discarded.
    var body: [UInt8]
    /// The rest of the response under ``ReceiveMode/stream``.
    var stream: (any ExchangeStream)?
    var phases: Phases
    var bytesSent: Int
    var bytesReceived: Int
    /// 1, or 2 with a digest challenge.
    var requests: Int
}

/// What an exchange that got no complete response has cost: the phases up to its end, and the bytes that had gone either
/// way. A class, so that errors stay small.
final class ExchangeCost: Sendable {
    let phases: Phases
    let bytesSent: Int
    let bytesReceived: Int
    /// As in ``ExchangeResult/requests``.
    let requests: Int

    init(phases: Phases, bytesSent: Int = 0, bytesReceived: Int = 0, requests: Int = 1) {
        self.phases = phases
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
        self.requests = requests
    }
}

/// A body that is received as it is asked for: not asking pauses the transfer. Dropping it aborts the transfer.
/// Its methods may be called from any task; they hop to the engine's loop.
protocol ExchangeStream: AnyObject, Sendable {
    /// The next chunk as received; nil at the end.
    func next() async throws(SessionError) -> [UInt8]?
    /// Phases and bytes so far; complete after the end.
    var progress: (phases: Phases, bytesReceived: Int) { get async }
    /// The same for who cannot wait; nil off the engine's loop.
    var progressNow: (phases: Phases, bytesReceived: Int)? { get }
}

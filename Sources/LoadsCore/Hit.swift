public import LoadsEventLoop

/// Where the time of a hit went, in nanoseconds. Phases that did not happen are 0; the sum is at most the latency.
public struct Phases: Sendable, Equatable {
    /// Waiting for the user's loop or for a connection.
    public var blocked: Int64 = 0
    /// Resolving the name.
    public var dns: Int64 = 0
    /// Opening the connection.
    public var connect: Int64 = 0
    /// The TLS handshake.
    public var tls: Int64 = 0
    /// Sending the request.
    public var send: Int64 = 0
    /// From the request's end to the first byte of the response.
    public var wait: Int64 = 0
    /// From the first byte to the last.
    public var receive: Int64 = 0

    /// Nothing has happened yet: all are 0.
    public init() {}

    /// The names, in order, as reports show them.
    public static let names = ["blocked", "dns", "connect", "tls", "send", "wait", "receive"]

    /// The values in the order of ``names``.
    @inlinable public subscript(index: Int) -> Int64 {
        switch index {
        case 0: blocked
        case 1: dns
        case 2: connect
        case 3: tls
        case 4: send
        case 5: wait
        default: receive
        }
    }

    /// Adds another exchange's phases: a hit with redirects sums those of its exchanges.
    public mutating func add(_ other: Phases) {
        blocked += other.blocked
        dns += other.dns
        connect += other.connect
        tls += other.tls
        send += other.send
        wait += other.wait
        receive += other.receive
    }
}

/// One call measured: one request as the caller made it, and its response or its error.
public struct Hit: Sendable {
    /// When the call was made.
    public var start: Instant
    /// The name it is grouped under.
    public var name: String
    /// `GET`, `POST`, …
    public var method: String
    /// The URL called, absolute.
    public var url: String
    /// The status of the response; nil when no complete response came.
    public var status: Int?
    /// From the call to the last byte, or to the error, in nanoseconds.
    public var latency: Int64
    /// Where the latency went; all 0 when nobody measured that.
    public var phases: Phases
    /// Bytes on the wire, headers included (body bytes before decompression).
    public var bytesSent: Int
    /// Likewise; with redirects those of all exchanges.
    public var bytesReceived: Int
    /// Exchanges it took: 1, and one more for each redirect or authentication round.
    public var requests: Int
    /// Why no complete response came; nil otherwise.
    public var error: HitError?
    /// No complete response, or a status of 400 or above that the call does not accept.
    public var failed: Bool

    /// - Parameters:
    ///   - latency: Nanoseconds.
    ///   - failed: Whether it counts as failed, which a response can, too.
    public init(
        start: Instant, name: String, method: String, url: String, status: Int?, latency: Int64,
        phases: Phases = Phases(), bytesSent: Int = 0, bytesReceived: Int = 0, requests: Int = 1,
        error: HitError? = nil, failed: Bool
    ) {
        self.start = start
        self.name = name
        self.method = method
        self.url = url
        self.status = status
        self.latency = latency
        self.phases = phases
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
        self.requests = requests
        self.error = error
        self.failed = failed
    }
}

/// Why a hit has no complete response.
public struct HitError: Sendable, Hashable {
    /// The kind, one word: `connect`, `timeout`, `reset`, `tls`, `resolve`, …
    public var kind: String
    /// A sentence for a person.
    public var message: String
    /// The kind of a call that was cancelled.
    public static let cancelled = "cancelled"

    /// - Parameter kind: One word; errors are grouped by it.
    public init(kind: String, message: String) {
        self.kind = kind
        self.message = message
    }
}

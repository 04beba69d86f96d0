import LoadsCore

/// Where the time of a call went, summed over its redirects. What did not happen is zero.
public struct Timings: Sendable, Equatable {
    /// Waiting for the user's loop or for a connection.
    public var blocked: Duration
    /// Resolving the name.
    public var dns: Duration
    /// Opening the connection.
    public var connect: Duration
    /// The TLS handshake.
    public var tls: Duration
    /// Sending the request.
    public var send: Duration
    /// From the request's end to the first byte of the response.
    public var wait: Duration
    /// From the first byte to the last.
    public var receive: Duration

    init(_ phases: Phases) {
        blocked = .nanoseconds(phases.blocked)
        dns = .nanoseconds(phases.dns)
        connect = .nanoseconds(phases.connect)
        tls = .nanoseconds(phases.tls)
        send = .nanoseconds(phases.send)
        wait = .nanoseconds(phases.wait)
        receive = .nanoseconds(phases.receive)
    }
}

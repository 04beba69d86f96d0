internal import LoadsCore
internal import LoadsEventLoop

/// The engine of a user: each exchange goes over a plain connection if it can, and through libcurl if it needs more.
final class UserEngine: Engine, @unchecked Sendable {
    // @unchecked: confined to the loop's thread; `perform` checks it.
    private let plain: PlainEngine
    private let resolver: Resolver
    /// Made when it is needed.
    private var curl: CurlEngine?
    private var ended = false

    init(loop: EventLoop, resolver: Resolver = .shared) {
        plain = PlainEngine(loop: loop, resolver: resolver)
        self.resolver = resolver
    }

    func perform(_ exchange: Exchange) async throws(SessionError) -> ExchangeResult {
        precondition(plain.loop.isOnLoop, "an engine's exchange off its loop")
        guard let request = plain.shared.request(for: exchange) else { return try await everything.perform(exchange) }
        let start = Instant.now
        var dns: Int64 = 0
        if !request.place.isKnown(at: start) { dns = try await plain.resolve(request.place, exchange) }
        if request.place.mixesProtocols {
            // libcurl has IPv4 and IPv6 race each other.
            var result = try await everything.perform(exchange)
            result.phases.dns += dns
            return result
        }
        return try await plain.perform(exchange, request, start: start, dns: dns)
    }

    private var everything: CurlEngine {
        if let curl { return curl }
        let made = CurlEngine(loop: plain.loop, resolver: resolver)
        if ended { made.userEnded() }
        curl = made
        return made
    }

    func iterationEnded() {
        plain.iterationEnded()
        curl?.iterationEnded()
    }

    func userEnded() {
        ended = true
        plain.userEnded()
        curl?.userEnded()
    }
}

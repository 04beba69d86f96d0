import HTTPTypes
import LoadsCore
import LoadsEventLoop

/// One call as the caller made it.
struct Call: Sendable {
    var method: HTTPRequest.Method
    var url: String
    var query: QueryItems
    var headers: HTTPFields?
    var body: RequestBody
    var name: String?
    var accepting: StatusSet
    var timeout: Duration?
    var auth: Auth?
    var followsRedirects: Bool?
    var receive: Receive

    enum Receive { case whole, discard, stream }

    /// Whether a hit with this status failed.
    func fails(_ status: Int) -> Bool { status >= 400 && !accepting.contains(status) }
}

/// What a call has cost so far.
struct Tally: Sendable {
    let start: Instant
    /// When the last byte had come.
    var end: Instant
    var phases = Phases()
    var bytesSent = 0
    var bytesReceived = 0
    var requests = 0

    init(start: Instant) {
        self.start = start
        end = start
    }

    var latency: Int64 { end.nanoseconds(since: start) }

    mutating func add(_ result: ExchangeResult) {
        phases.add(result.phases)
        bytesSent += result.bytesSent
        bytesReceived += result.bytesReceived
        // One was counted when the exchange began: a failed one counts too.
        requests += result.requests - 1
        end = .now
    }

    /// Adds what a failed exchange had cost.
    mutating func add(_ cost: ExchangeCost?) {
        guard let cost else { return }
        phases.add(cost.phases)
        bytesSent += cost.bytesSent
        bytesReceived += cost.bytesReceived
        requests += cost.requests - 1
    }
}

/// The last exchange of a call.
struct FinalExchange {
    var result: ExchangeResult
    var head: HTTPHead
    var contentEncoding: Range<Int>?
    var url: WebURL
    var text: String
    var method: HTTPRequest.Method
    var history: [Response]
}

/// What a hit is recorded with, besides its costs and its outcome.
struct HitLabel: Sendable {
    let context: IterationContext
    let name: String
    let method: String
    let url: String

    func record(_ tally: Tally, status: Int?, failed: Bool, error: SessionError? = nil) {
        let hit = Hit(
            start: tally.start, name: name, method: method, url: url, status: status, latency: tally.latency,
            phases: tally.phases, bytesSent: tally.bytesSent, bytesReceived: tally.bytesReceived,
            requests: tally.requests, error: error.map { HitError(kind: $0.code.name, message: $0.message) },
            failed: failed)
        context.user.record(hit, iteration: context.number)
    }
}

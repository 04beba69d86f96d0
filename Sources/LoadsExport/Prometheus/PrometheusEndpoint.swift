import Glibc
public import LoadsCore
public import LoadsEventLoop
public import LoadsReport
import Synchronization

/// `/metrics` for Prometheus while a run goes on.
///
/// Prometheus comes when it likes. So the endpoint stays a little at the end of a run, until somebody who has come before
/// has been there once more: the last figures would be missing otherwise.
public final class PrometheusEndpoint: Exporter {
    /// Where it listens.
    public let address: HostPort
    private let server: MetricsServer
    private let loop: EventLoop
    private let state: Mutex<State>

    private struct State {
        var metrics: RunMetrics
        var scrapes: [Instant] = []
        var count = 0
        var isOver = false
        var hasLast = false
        var isClosed = false
    }

    /// The longest that it stays for somebody who came only once; and at all.
    static let firstPatience = Duration.seconds(15)
    static let patience = Duration.seconds(65)
    static let leastPatience = Duration.seconds(5)

    /// Serves.
    ///
    /// - Parameters:
    ///   - socket: Where it listens; from now on the endpoint's, which closes it.
    ///   - metrics: The run, before anything was measured.
    ///   - loop: It stays the caller's.
    public init(socket: ListeningSocket, metrics: RunMetrics, on loop: EventLoop) {
        state = Mutex(State(metrics: metrics))
        self.loop = loop
        address = socket.address
        server = MetricsServer(socket, loop: loop)
        server.start { [weak self] in self?.scraped() ?? [] }
    }

    deinit { server.stop() }

    /// Adds it up; whoever asks next gets it.
    public func measured(_ interval: MeasuredInterval) { state.withLock { $0.metrics.take(interval) } }

    /// Waits until whoever has come before has fetched the last figures, a minute at most.
    public func finish(_ summary: Summary) async -> ExportOutcome {
        let wait = state.withLock { state -> Duration in
            state.metrics.take(summary)
            state.isOver = true
            return Self.patience(for: state.scrapes)
        }
        let deadline = Instant.now.advanced(by: wait)
        while Instant.now < deadline, state.withLock({ !$0.hasLast && !$0.isClosed }) {
            guard (try? await loop.sleep(for: .milliseconds(50))) != nil else { break }
        }
        let outcome = state.withLock { state in
            ExportOutcome(
                delivered: state.count, lost: state.hasLast ? 0 : 1,
                reason: state.count == 0 ? "nobody has asked" : "nobody has come for the last figures")
        }
        server.stop()
        return outcome.lost == 0 ? ExportOutcome(delivered: outcome.delivered) : outcome
    }

    /// Stops listening, and ends the wait for the last visit.
    public func close() {
        state.withLock { $0.isClosed = true }
        server.stop()
    }

    /// How long the next visit may take: half as long again as the longest pause so far, and a few seconds for one who is held up.
    static func patience(for scrapes: [Instant]) -> Duration {
        guard let first = scrapes.first else { return .zero }
        guard scrapes.count > 1 else { return firstPatience }
        var (longest, last): (Int64, Instant) = (0, first)
        for scrape in scrapes.dropFirst() {
            longest = max(longest, scrape.nanoseconds(since: last))
            last = scrape
        }
        return min(patience, max(leastPatience, .nanoseconds(longest + longest / 2) + .seconds(1)))
    }

    private func scraped() -> [UInt8] {
        let metrics = state.withLock { state in
            state.count += 1
            // Enough to know the pauses by.
            if state.scrapes.count >= 16 { state.scrapes.removeFirst() }
            state.scrapes.append(.now)
            if state.isOver { state.hasLast = true }
            return state.metrics
        }
        return metrics.prometheus()
    }
}

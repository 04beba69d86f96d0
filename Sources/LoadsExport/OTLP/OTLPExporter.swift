import Glibc
import HTTPTypes
public import LoadsCore
import LoadsEventLoop
public import LoadsReport
import LoadsSession
import Synchronization

/// Sends a run's figures to an OpenTelemetry collector: OTLP/HTTP with JSON bodies, every few seconds and at the end.
///
/// The figures are cumulative, so what is lost on the way is only how they went meanwhile.
public final class OTLPExporter: Exporter {
    private let url: String
    private let version: String
    private let session: Session
    private let onFailure: @Sendable (String) -> Void
    private let state: Mutex<State>
    private let sending = Mutex<Task<Void, Never>?>(nil)

    private struct State {
        var metrics: RunMetrics
        var hasNews = false
        var outcome = ExportOutcome()
        var isClosed = false
    }

    /// Between two sendings.
    public static let interval = Duration.seconds(5)
    /// How long a collector may take.
    static let timeout = Duration.seconds(10)
    /// Attempts to deliver the last figures, and the pause between them.
    static let attempts = 3
    static let pause = Duration.seconds(1)

    /// - Parameters:
    ///   - url: Of the collector; without a path `/v1/metrics` is added.
    ///   - headers: To be sent along, such as a token.
    ///   - metrics: The run, before anything was measured.
    ///   - version: Of the program, for the receiver.
    ///   - onFailure: Is told of the first failure, in a sentence.
    public init(
        url: String, headers: [(name: String, value: String)] = [], metrics: RunMetrics, version: String,
        onFailure: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.url = Self.endpoint(url)
        self.version = version
        self.onFailure = onFailure
        state = Mutex(State(metrics: metrics))
        session = Session { configuration in
            configuration.timeout = Self.timeout
            configuration.headers[.contentType] = "application/json"
            for (name, value) in headers {
                guard let field = HTTPField.Name(name) else { continue }
                configuration.headers[field] = value
            }
        }
    }

    /// Where the metrics go: OTLP's own path unless one is named.
    static func endpoint(_ url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return url }
        let rest = url[scheme.upperBound...]
        guard let slash = rest.firstIndex(of: "/") else { return url + "/v1/metrics" }
        return rest[slash...] == "/" ? url + "v1/metrics" : url
    }

    /// Adds it up; every five seconds what is new is sent.
    public func measured(_ interval: MeasuredInterval) {
        state.withLock { state in
            state.metrics.take(interval)
            state.hasNews = true
        }
        sending.withLock { task in
            if task == nil { task = Task { await self.sendRegularly() } }
        }
    }

    /// Sends the last figures, three times if need be.
    public func finish(_ summary: Summary) async -> ExportOutcome {
        let regular = sending.withLock { $0 }
        regular?.cancel()
        await regular?.value
        state.withLock { $0.metrics.take(summary) }
        let last = Task { await self.sendLast() }
        sending.withLock { $0 = last }
        if state.withLock({ $0.isClosed }) { last.cancel() }
        await last.value
        sending.withLock { $0 = nil }
        return state.withLock { $0.outcome }
    }

    /// Gives up what is being sent.
    public func close() {
        state.withLock { $0.isClosed = true }
        sending.withLock { task in
            task?.cancel()
            task = nil
        }
    }

    private func sendRegularly() async {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            guard state.withLock({ $0.hasNews }) else { continue }
            _ = await send(isLast: true)
        }
    }

    private func sendLast() async {
        for attempt in 1...Self.attempts {
            if await send(isLast: attempt == Self.attempts) { return }
            guard attempt < Self.attempts, (try? await Task.sleep(for: Self.pause)) != nil else { break }
        }
        // Given up before the last attempt: somebody does not want to wait.
        if Task.isCancelled { lose(state.withLock { $0.metrics.otlp(at: 0, version: version).points }, "given up") }
    }

    /// - Parameter isLast: Whether what does not arrive now is lost.
    /// - Returns: Whether there is nothing more to be tried.
    private func send(isLast: Bool) async -> Bool {
        let metrics = state.withLock { state in
            state.hasNews = false
            return state.metrics
        }
        let (body, points) = metrics.otlp(at: Instant.wallTime, version: version)
        do {
            let response = try await session.post(url, body: body)
            guard (200..<300).contains(response.status.code) else {
                let canRetry = [429, 502, 503, 504].contains(response.status.code)
                if isLast || !canRetry { lose(points, "status \(response.status.code)") }
                return !canRetry
            }
            let rejected = Self.rejected(response)
            state.withLock { $0.outcome.delivered += points - rejected.count }
            if rejected.count > 0 { lose(rejected.count, rejected.reason) }
            return true
        } catch {
            // What comes next has these figures too.
            if error.code == .cancelled { return false }
            if isLast { lose(points, error.message) }
            return false
        }
    }

    private func lose(_ points: Int, _ reason: String) {
        let isFirst = state.withLock { state in
            state.outcome.lost += points
            guard state.outcome.reason == nil else { return false }
            state.outcome.reason = reason
            return true
        }
        if isFirst { onFailure(reason) }
    }

    /// What a collector that took the rest did not want.
    private static func rejected(_ response: Response) -> (count: Int, reason: String) {
        guard let answer = try? response.json(as: Answer.self), let partial = answer.partialSuccess,
            let count = partial.rejectedDataPoints?.value, count > 0
        else { return (0, "") }
        return (count, partial.errorMessage.flatMap { $0.isEmpty ? nil : $0 } ?? "the collector rejects them")
    }

    private struct Answer: Decodable {
        struct Partial: Decodable {
            var rejectedDataPoints: Count?
            var errorMessage: String?
        }
        /// 64-bit numbers are text in OTLP's JSON, and numbers where somebody did not know.
        struct Count: Decodable {
            var value: Int
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let number = try? container.decode(Int.self) {
                    value = number
                } else {
                    value = Int(try container.decode(String.self)) ?? 0
                }
            }
        }
        var partialSuccess: Partial?
    }
}

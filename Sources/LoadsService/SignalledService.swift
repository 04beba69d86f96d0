public import Logging
import ServiceLifecycle
import UnixSignals

/// Runs a server until it ends by itself or a signal ends it: the first SIGTERM or SIGINT gracefully, the second at once.
public struct SignalledService: Sendable {
    private let body: @Sendable () async throws -> Void
    private let end: @Sendable (_ signal: String) async -> Void

    /// - Parameters:
    ///   - body: The server; returns when it has ended.
    ///   - end: Called for each signal; what it means the second time is the server's to know.
    public init(
        _ body: @escaping @Sendable () async throws -> Void, end: @escaping @Sendable (_ signal: String) async -> Void
    ) {
        self.body = body
        self.end = end
    }

    /// - Throws: What the server throws.
    public func run(logger: Logger) async throws {
        let service = Server(body: body, end: end)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }

    private struct Server: Service {
        let body: @Sendable () async throws -> Void
        let end: @Sendable (String) async -> Void

        func run() async throws {
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await signal in signals { await end("\(signal)") }
                }
                try await body()
                group.cancelAll()
            }
        }
    }
}

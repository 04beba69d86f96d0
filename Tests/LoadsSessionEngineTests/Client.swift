import HTTPTypes
import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsSession

/// A user with a loop of its own.
struct Client: Sendable {
    let loop: EventLoop
    let engine: any Engine

    /// Runs a body with a client, on its loop; ends the client in any case.
    static func with<Value: Sendable>(
        resolver: Resolver = .shared, _ body: @escaping @Sendable (Client) async throws -> Value
    ) async throws -> Value {
        let loop = EventLoop(name: "engine-test")
        let client = Client(loop: loop, engine: EngineUnderTest.current.engine(on: loop, resolver: resolver))
        let result = await Task(executorPreference: loop) { () -> Result<Value, any Error> in
            defer { client.engine.userEnded() }
            do { return .success(try await body(client)) } catch { return .failure(error) }
        }.value
        await loop.shutdown()
        return try result.get()
    }

    func get(_ url: String, _ change: (inout Exchange) -> Void = { _ in }) async throws -> ExchangeResult {
        var exchange = Exchange(url: url, deadline: .now.advanced(by: .seconds(60)))
        change(&exchange)
        return try await engine.perform(exchange)
    }

    /// The error that a request ends with.
    func failure(_ url: String, _ change: (inout Exchange) -> Void = { _ in }) async throws -> SessionError {
        let result: ExchangeResult
        do { result = try await get(url, change) } catch let error as SessionError { return error }
        Issue.record("a response came: \(result.status)")
        throw SessionError(code: .status, message: "unexpected response", url: url)
    }
}

extension ExchangeResult {
    var text: String { String(decoding: body, as: UTF8.self) }
    var headText: String { String(decoding: head, as: UTF8.self) }
}

extension ExchangeStream {
    /// All that is left.
    func rest() async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = try await next() { bytes += chunk }
        return bytes
    }
}

/// A resolver that knows a fixed list, and what it was asked.
func fixedNames(_ names: [String: [String]], asked: Journal? = nil, timeToLive: Duration = .seconds(60)) -> Resolver {
    Resolver(timeToLive: timeToLive) { host in
        asked?.add(host)
        return names[host].map { .success($0) } ?? .failure(Resolver.Failure(message: "unknown in this test"))
    }
}

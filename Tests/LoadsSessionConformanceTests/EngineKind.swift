import Testing

@testable import LoadsSession

/// The engines that have to pass: every test of the suite runs with each of them.
enum EngineKind: String, CaseIterable, CustomTestStringConvertible {
    /// The one that sessions use: plain connections, libcurl for what needs more.
    case user
    case libcurl

    var testDescription: String { rawValue }

    /// A session on this engine.
    func session(_ baseURL: String? = nil, configure: (inout SessionConfiguration) -> Void = { _ in }) -> Session {
        switch self {
        case .user: return Session(baseURL: baseURL, configure: configure)
        case .libcurl:
            var configuration = SessionConfiguration()
            configure(&configuration)
            return Session(
                baseURL: baseURL,
                settings: SessionSettings(configuration: configuration) { CurlEngine(loop: $0) })
        }
    }
}

/// What a session threw, as its code; anything else fails the test.
func code<Value>(of body: () async throws -> Value, _ location: SourceLocation = #_sourceLocation) async -> SessionError
    .Code?
{
    do {
        _ = try await body()
        return nil
    } catch let error as SessionError {
        // A message without the URL helps nobody.
        #expect(!error.message.isEmpty && !error.url.isEmpty, sourceLocation: location)
        return error.code
    } catch {
        Issue.record("\(type(of: error)) instead of SessionError: \(error)", sourceLocation: location)
        return nil
    }
}

/// Waits until a condition holds, at most a minute.
func eventually(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<6000 {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return condition()
}

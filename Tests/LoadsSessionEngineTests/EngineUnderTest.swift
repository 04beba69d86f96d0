import LoadsEventLoop
import Testing

@testable import LoadsSession

/// Which engine the clients of a test have.
enum EngineUnderTest: String, CaseIterable, Sendable {
    /// The one that sessions use: plain connections, libcurl for what needs more.
    case user
    case libcurl

    @TaskLocal static var current = EngineUnderTest.user

    func engine(on loop: EventLoop, resolver: Resolver) -> any Engine {
        switch self {
        case .user: UserEngine(loop: loop, resolver: resolver)
        case .libcurl: CurlEngine(loop: loop, resolver: resolver)
        }
    }
}

/// Runs each test of a suite once with each engine.
struct EachEngine: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? { testCase == nil ? nil : self }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        for engine in EngineUnderTest.allCases {
            try await EngineUnderTest.$current.withValue(engine) { try await function() }
        }
    }
}

extension Trait where Self == EachEngine {
    /// Once with each engine.
    static var eachEngine: Self { EachEngine() }
}

public import Testing

/// Says that a test or suite needs what set-ups prepare once for the whole run.
public struct SetUpTrait: TestTrait, SuiteTrait, TestScoping {
    let setUps: [any RunSetUp.Type]

    /// Around the whole suite or test, not around each case.
    public func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? { testCase == nil ? self : nil }

    /// Sets up in order, runs the tests, and tears down in the other order what was set up, whatever happened. Under
    /// `loads` it only runs the tests: an agent sees to the rest.
    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        // Under `loads` the agent has seen to it.
        if LoadProcess.isRunning { return try await function() }
        var done: [any RunSetUp.Type] = []
        var failure: (any Error)?
        do {
            for setUp in setUps {
                try await SetUps.shared.begin(setUp)
                done.append(setUp)
            }
            try await function()
        } catch {
            failure = error
        }
        for setUp in done.reversed() {
            do { try await SetUps.shared.end(setUp) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }
}

extension Trait where Self == SetUpTrait {
    /// Prepares something once for the whole run; see ``RunSetUp``.
    ///
    /// - Parameter setUps: In this order; torn down in the other.
    public static func setUp(_ setUps: any RunSetUp.Type...) -> Self { SetUpTrait(setUps: setUps) }
}

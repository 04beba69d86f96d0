import LoadsCore
import Synchronization
public import Testing

/// A load as a trait: in a plain `swift test` each test of the suite, or each case of a test with arguments, runs as a
/// small load, prints a line, and fails if one of its iterations did.
///
/// ```swift
/// @Suite(.load(users: 10, iterations: 10)) struct TestWebSite { … }
/// ```
///
/// The `loads` command ignores the trait: there its own options rule.
public struct LoadTrait: TestTrait, SuiteTrait, TestScoping {
    let run: SmallRun

    /// A suite hands it on to all tests in it.
    public var isRecursive: Bool { true }

    /// Around each case, not around the whole test or suite.
    public func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? { testCase == nil ? nil : self }

    /// Runs the case as a load, prints what came of it, and records the failures of its iterations as issues.
    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        // A test with the trait in a suite with the trait: the outer one is at work.
        guard IterationContext.current == nil else { return try await function() }
        let result = try await measured(test, testCase, function)
        print(result.summary)
        for failure in result.failures {
            Issue.record("\(failure.place): \(failure.message)", sourceLocation: test.sourceLocation)
        }
    }

    private func measured(
        _ test: Test, _ testCase: Test.Case?, _ function: @Sendable () async throws -> Void
    ) async throws -> SmallRun.Result {
        let result = Mutex<SmallRun.Result?>(nil)
        try await IssueRouting.withinSmallRun.provideScope(for: test, testCase: testCase) {
            await withoutActuallyEscaping(function) { function in
                let parked = ParkedCase(test: TestIdentifier.of(test), body: function)
                // Unstructured: `Test.cancel()` outside an iteration must not end the run half-way.
                let measured = await Task { await run.run(Scenario(name: parked.test) { await parked.call($0) }) }.value
                parked.release()
                result.withLock { $0 = measured }
            }
        }
        // The trait's scope calls its function once, before it returns.
        return result.withLock { $0 }!
    }
}

extension Trait where Self == LoadTrait {
    /// Runs the test, or each test of the suite, as a load.
    ///
    /// - Parameters:
    ///   - users: Users at the same time, at least 1.
    ///   - iterations: Iterations of each user, at least 1.
    public static func load(users: Int, iterations: Int = 1) -> Self {
        precondition(users > 0 && iterations > 0, ".load(users:iterations:): both must be at least 1")
        return LoadTrait(run: SmallRun(users: users, iterations: iterations))
    }
}

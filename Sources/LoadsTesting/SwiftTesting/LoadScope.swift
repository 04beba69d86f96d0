import LoadsCore
import Testing

/// Holds each case of the wanted tests in its scope, for as long as the run calls its function.
///
/// It stands on the outermost suite, or on a test outside any: so it is the outermost scope, and all others, the
/// user's own included, are entered anew in each iteration.
struct LoadScope: TestTrait, SuiteTrait, TestScoping {
    let stage: Stage

    var isRecursive: Bool { true }

    func scopeProvider(for test: Test, testCase: Test.Case?) -> LoadScope? {
        testCase != nil && stage.wants(test.id) ? self : nil
    }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await IssueRouting.trait(countsOrphans: stage.isFirstScope()).provideScope(for: test, testCase: testCase) {
            await withoutActuallyEscaping(function) { function in
                let parked = ParkedCase(test: stage.identifier(of: test.id), body: function)
                stage.arrived(parked, of: test)
                await parked.serve()
            }
        }
    }
}

import CTesting
public import XCTest

// The other ends of the trampolines in CTesting. The names and the signatures must be those of the functions they
// stand in for: the callers were compiled against XCTest's.

/// Stands in for `XCTMain(_:)` when the process was started by an agent or for a listing.
@_silgen_name("loads_hook_XCTMain") @usableFromInline
func hookXCTMain(_ entries: [XCTestCaseEntry]) -> Never { LoadProcess.main(entries) }

@_silgen_name("loads_original_asyncTest")
func originalAsyncTest<T: XCTestCase>(
    _ generator: @escaping (T) -> () async throws -> Void
) -> (T) -> () throws -> Void

/// XCTest's own blocks a thread until the asynchronous body is done: in an iteration the body is handed over instead.
@_silgen_name("loads_hook_asyncTest") @usableFromInline
func hookAsyncTest<T: XCTestCase>(
    _ generator: @escaping (T) -> () async throws -> Void
) -> (T) -> () throws -> Void {
    let original = originalAsyncTest(generator)
    // Loads' own forms included: only they can have iterations when no agent started the process.
    guard loads_current_mode() == loads_mode_run || T.self is LoadTestCase.Type else { return original }
    return { testCase in
        let body = generator(testCase)
        return {
            guard let iteration = CaseIteration.current else { return try original(testCase)() }
            iteration.asyncBody = body
        }
    }
}

extension XCTestCase {
    @_silgen_name("loads_original_recordFailure")
    final func originalRecordFailure(
        withDescription description: String, inFile filePath: String, atLine lineNumber: Int, expected: Bool)

    @_silgen_name("loads_hook_recordFailure") @usableFromInline
    final func hookRecordFailure(
        withDescription description: String, inFile filePath: String, atLine lineNumber: Int, expected: Bool
    ) {
        if !CaseFailure.record(description, file: filePath, line: lineNumber, on: self) {
            originalRecordFailure(
                withDescription: description, inFile: filePath, atLine: lineNumber, expected: expected)
        }
    }

    @_silgen_name("loads_original_addTeardownBlock")
    final func originalAddTeardownBlock(_ block: @escaping () -> Void)

    @_silgen_name("loads_hook_addTeardownBlock") @usableFromInline
    final func hookAddTeardownBlock(_ block: @escaping () -> Void) {
        guard let iteration = CaseIteration.current else { return originalAddTeardownBlock(block) }
        iteration.addTeardownBlock(block)
    }

    @_silgen_name("loads_original_addAsyncTeardownBlock")
    final func originalAddAsyncTeardownBlock(_ block: @Sendable @escaping () async throws -> Void)

    @_silgen_name("loads_hook_addAsyncTeardownBlock") @usableFromInline
    final func hookAddAsyncTeardownBlock(_ block: @Sendable @escaping () async throws -> Void) {
        guard let iteration = CaseIteration.current else { return originalAddAsyncTeardownBlock(block) }
        iteration.addTeardownBlock(block)
    }
}

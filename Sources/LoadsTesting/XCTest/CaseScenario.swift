import LoadsCore
import XCTest

/// A test method of an XCTestCase as a scenario: XCTest's steps in XCTest's order, on a fresh instance each time.
///
/// XCTest's own `run()` and `invokeTest()` cannot be used: the current test case is one global, and each step of them
/// that is asynchronous blocks a thread in a run loop.
struct CaseScenario: @unchecked Sendable {
    // @unchecked: XCTest's closures are not marked Sendable; they are functions of the class, without state.

    let testClass: XCTestCase.Type
    let name: String
    let body: (XCTestCase) throws -> Void
    let identifier: String

    init(_ testClass: XCTestCase.Type, _ name: String, _ body: @escaping (XCTestCase) throws -> Void) {
        self.testClass = testClass
        self.name = name
        self.body = body
        identifier = TestIdentifier.of(testClass, name)
    }

    var scenario: Scenario {
        Scenario(name: identifier) { context in
            let iteration = CaseIteration(testClass.init(name: name, testClosure: body))
            CaseRegistry.shared.insert(iteration.instance, context)
            defer { CaseRegistry.shared.remove(iteration.instance) }
            return await CaseIteration.$current.withValue(iteration) { await run(iteration, context) }
        }
    }

    /// The order is that of swift-corelibs-xctest's `XCTestCase.invokeTest()`.
    private func run(_ iteration: CaseIteration, _ context: IterationContext) async -> IterationOutcome {
        nonisolated(unsafe) let instance = iteration.instance
        var result = IterationOutcome.ok
        func note(_ error: any Error, _ phase: String?) {
            let outcome = ThrownError.outcome(error, test: identifier, phase: phase, in: context)
            if case .failed = result { return }
            result = outcome
        }

        do { try await instance.setUp() } catch { note(error, "setUp()") }
        do { try instance.setUpWithError() } catch { note(error, "setUpWithError()") }
        Self.synchronousSetUp(instance)

        // An error in the set-up skips the body, not the tear-down.
        if case .ok = result {
            do {
                try body(instance)
                if let asyncBody = iteration.asyncBody {
                    iteration.asyncBody = nil
                    try await asyncBody()
                }
            } catch { note(error, nil) }
        }

        while let block = iteration.nextTeardownBlock() {
            do { try await block() } catch { note(error, "teardown block") }
        }
        Self.synchronousTearDown(instance)
        do { try instance.tearDownWithError() } catch { note(error, "tearDownWithError()") }
        do { try await instance.tearDown() } catch { note(error, "tearDown()") }
        return result
    }

    // In an asynchronous function `setUp()` means the asynchronous one.
    private static func synchronousSetUp(_ instance: XCTestCase) { instance.setUp() }
    private static func synchronousTearDown(_ instance: XCTestCase) { instance.tearDown() }
}

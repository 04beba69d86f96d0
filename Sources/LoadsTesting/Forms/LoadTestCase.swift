import LoadsCore
public import XCTest

/// A load as a base class: in a plain `swift test` each test method runs as a small load, prints a line, and fails if
/// one of its iterations did.
///
/// ```swift
/// final class TestWebSite: LoadTestCase {
///     override class var users: Int { 20 }
///     func testSomething() async throws { … }
/// }
/// ```
///
/// Each iteration has an instance of its own, set up and torn down. The `loads` command takes such a class as an
/// ordinary XCTestCase: there its own options rule.
open class LoadTestCase: XCTestCase {
    private let testName: String
    private let body: (XCTestCase) throws -> Void

    /// Users at the same time.
    open class var users: Int { 10 }
    /// Iterations of each user.
    open class var iterations: Int { 10 }

    /// XCTest's own: the name of a test method, and what calls it.
    public required init(name: String, testClosure: @escaping (XCTestCase) throws -> Void) {
        testName = name
        body = testClosure
        super.init(name: name, testClosure: testClosure)
    }

    open override func invokeTest() {
        let scenario = CaseScenario(type(of: self), testName, body).scenario
        let run = SmallRun(users: max(1, Self.users), iterations: max(1, Self.iterations))
        let done = expectation(description: "all iterations")
        nonisolated(unsafe) var result: SmallRun.Result?
        Task.detached {
            result = await run.run(scenario)
            done.fulfill()
        }
        // Serves the main actor meanwhile.
        wait(for: [done], timeout: 86_400)
        guard let result else { return }
        print(result.summary)
        for failure in result.failures {
            let place = failure.place.split(separator: ":")
            originalRecordFailure(
                withDescription: "\(failure.place): \(failure.message)", inFile: String(place.first ?? "?"),
                atLine: place.count > 1 ? Int(place[1]) ?? 0 : 0, expected: true)
        }
    }
}

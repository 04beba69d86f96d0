import XCTest

class XCTKinds: XCTestCase {
    var steps: [String] = []

    override func setUp() async throws { steps.append("async setUp") }
    override func setUpWithError() throws { steps.append("setUpWithError") }
    override func setUp() { steps.append("setUp") }
    override func tearDown() { steps.append("tearDown") }
    override func tearDownWithError() throws { steps.append("tearDownWithError") }
    override func tearDown() async throws {
        steps.append("async tearDown")
        XCTAssertEqual(
            Array(steps.suffix(5)),
            ["async block", "block", "tearDown", "tearDownWithError", "async tearDown"])
    }

    private func check() {
        XCTAssertEqual(steps, ["async setUp", "setUpWithError", "setUp"])
        addTeardownBlock { self.steps.append("block") }
        nonisolated(unsafe) let this = self
        addTeardownBlock { () async throws -> Void in this.steps.append("async block") }
    }

    func testSynchronous() { check() }
    func testThrowing() throws { check() }
    func testAsynchronous() async throws {
        await Task.yield()
        check()
    }
    func testUnwrapping() throws {
        check()
        XCTAssertEqual(try XCTUnwrap(1 as Int?), 1)
    }
    func testSkipping() throws {
        check()
        throw XCTSkip("not here")
    }
    func testExpectation() async {
        check()
        let expectation = expectation(description: "soon")
        DispatchQueue.global().async { expectation.fulfill() }
        await fulfillment(of: [expectation], timeout: 60)
    }
}

final class XCTOnce: XCTestCase {
    nonisolated(unsafe) static var ups = 0
    override class func setUp() { ups += 1 }
    override class func tearDown() { print("class tearDown after \(ups) setUp") }
    func testOnce() { XCTAssertEqual(Self.ups, 1) }
    func testOnceMore() async { XCTAssertEqual(Self.ups, 1) }
}

/// What fails on purpose: only under `KINDS_FAIL`, so that `swift test` passes.
final class XCTFailing: XCTestCase {
    struct Mishap: Error {}

    private var wanted: Bool { ProcessInfo.processInfo.environment["KINDS_FAIL"] != nil }

    func testAssertion() async { if wanted { XCTAssertEqual(1 + 1, 3, "arithmetic") } }
    func testThrowing() async throws { if wanted { throw Mishap() } }
    func testUnwrap() throws { if wanted { _ = try XCTUnwrap(nil as Int?) } }
    func testTimesOut() {
        guard wanted else { return }
        let expectation = expectation(description: "never")
        wait(for: [expectation], timeout: 0.01)
    }
    func testOrphan() async { if wanted { await Task.detached { XCTAssertEqual(1, 2) }.value } }
}

final class XCTSetUpFails: XCTestCase {
    struct Mishap: Error {}
    override func setUpWithError() throws {
        if ProcessInfo.processInfo.environment["KINDS_FAIL"] != nil { throw Mishap() }
    }
    func testBody() { if ProcessInfo.processInfo.environment["KINDS_FAIL"] != nil { XCTFail("reached") } }
}

@MainActor final class XCTOnMain: XCTestCase {
    func testAsynchronous() async { MainActor.assertIsolated() }
    func testSynchronous() {}
}

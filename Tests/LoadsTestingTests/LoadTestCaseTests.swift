import LoadsCore
import LoadsTesting
import Synchronization
import XCTest

/// XCTest is the subject here: an XCTestCase whose tests run as loads.
final class LoadTestCaseTests: LoadTestCase {
    static let runs = Mutex<[String: Int]>([:])
    private var steps: [String] = []

    override class var users: Int { 3 }
    override class var iterations: Int { 4 }

    override func setUp() async throws { steps.append("async") }
    override func setUpWithError() throws { steps.append("throwing") }
    override func setUp() { steps.append("plain") }

    override class func tearDown() {
        XCTAssertEqual(runs.withLock { $0 }, ["sync": 12, "async": 12, "skip": 12, "block": 12])
    }

    private func count(_ name: String) {
        XCTAssertEqual(steps, ["async", "throwing", "plain"])
        XCTAssertNotNil(IterationContext.current)
        Self.runs.withLock { $0[name, default: 0] += 1 }
    }

    func testSynchronous() { count("sync") }

    func testAsynchronous() async throws {
        try await Task.sleep(for: .milliseconds(1))
        count("async")
    }

    func testSkips() throws {
        count("skip")
        throw XCTSkip("not here")
    }

    func testTeardownBlocks() { addTeardownBlock { self.count("block") } }
}

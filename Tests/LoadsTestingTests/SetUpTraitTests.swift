import LoadsTesting
import Synchronization
import Testing
import XCTest

/// What happened, in order.
private let journal = Mutex<[String]>([])

private enum Counted: RunSetUp {
    static func setUp() async throws -> Int {
        journal.withLock { log in
            log.append("up")
            return log.count { $0 == "up" }
        }
    }

    static func tearDown(_ value: Int) async throws { journal.withLock { $0.append("down \(value)") } }
}

private enum Broken: RunSetUp {
    struct Reason: Error {}
    static func setUp() async throws -> Int { throw Reason() }
}

private enum Forgotten: RunSetUp {
    static func setUp() async throws -> Int { 1 }
}

private enum Lasting: RunSetUp {
    static let times = Mutex(0)
    static func setUp() async throws -> Int {
        times.withLock { times in
            times += 1
            return times
        }
    }
}

/// In a plain `swift test` the set-up belongs to the test process.
@Suite(.serialized) struct SetUpTraitTests {
    private func scope(_ trait: SetUpTrait, _ body: @Sendable () async throws -> Void) async throws {
        try await trait.provideScope(for: try #require(Test.current), testCase: nil, performing: body)
    }

    @Test func theValueIsThereInsideAndUndoneAfterwards() async throws {
        journal.withLock { $0 = [] }
        try await scope(.setUp(Counted.self)) {
            #expect(try await Counted.value == 1)
            // Who wants it meanwhile gets the same.
            try await scope(.setUp(Counted.self)) {
                let same = try await Counted.value
                #expect(same == 1)
            }
            #expect(try await Counted.value == 1)
            journal.withLock { $0.append("test") }
        }
        #expect(journal.withLock { $0 } == ["up", "test", "down 1"])
        try await scope(.setUp(Counted.self)) {
            let value = try await Counted.value
            #expect(value == 2)
        }
        #expect(journal.withLock { $0 } == ["up", "test", "down 1", "up", "down 2"])
    }

    @Test func oneThatFailsKeepsTheTestsFromRunningAndUndoesTheOthers() async throws {
        journal.withLock { $0 = [] }
        let error = await #expect(throws: (any Error).self) {
            try await scope(.setUp(Counted.self, Broken.self)) { journal.withLock { $0.append("test") } }
        }
        #expect(error.map { "\($0)".contains("Broken failed: Reason()") } == true)
        #expect(journal.withLock { $0 } == ["up", "down 1"])
    }

    @Test func aTestThatDoesNotAskForItIsTold() async throws {
        let error = await #expect(throws: MissingSetUp.self) { try await Forgotten.value }
        #expect(error?.description.contains(".setUp(Forgotten.self)") == true)
    }

    @Suite(.setUp(Counted.self)) struct Suites {
        @Test func haveIt() async throws { #expect(try await Counted.value > 0) }
    }
}

final class SetUpUserTests: XCTestCase, RunSetUpUser {
    static var runSetUps: [any RunSetUp.Type] { [Lasting.self] }

    func testItIsSetUpOnceForAllTests() async throws {
        let (first, second) = (try await Lasting.value, try await Lasting.value)
        XCTAssertEqual([first, second], [1, 1])
    }

    func testItIsStillThere() async throws {
        let value = try await Lasting.value
        XCTAssertEqual(value, 1)
    }
}

import Synchronization
import Testing

/// The tests as a load run wants them, in place of those that the macros made.
final class TestEdits: Sendable {
    static let shared = TestEdits()

    private let edited = Mutex<[Test.ID: Test]>([:])

    func set(_ tests: [Test]) {
        edited.withLock { edited in
            for test in tests { edited[test.id] = test }
        }
    }

    func applied(to test: Test) -> Test { edited.withLock { $0[test.id] } ?? test }
}

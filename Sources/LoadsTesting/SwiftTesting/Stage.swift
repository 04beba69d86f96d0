import LoadsCore
import Synchronization
import Testing

/// Where the cases of the wanted tests gather until all are there.
///
/// Swift Testing starts the cases by itself, each at its own time, and says nowhere beforehand how many there will be.
/// A test's first case tells the number of all its cases; a test that ends without a case had none.
final class Stage: Sendable {
    private let identifiers: [Test.ID: String]
    private let state: Mutex<Gathering>
    private let hasScopes = Atomic<Bool>(false)

    init(_ wanted: [(identifier: String, test: Test)]) {
        identifiers = Dictionary(wanted.map { ($0.test.id, $0.identifier) }, uniquingKeysWith: { first, _ in first })
        state = Mutex(Gathering(tests: Set(identifiers.keys)))
    }

    func wants(_ test: Test.ID) -> Bool { identifiers[test] != nil }

    func identifier(of test: Test.ID) -> String { identifiers[test] ?? "\(test)" }

    /// True once, for whoever asks first.
    func isFirstScope() -> Bool { !hasScopes.exchange(true, ordering: .relaxed) }

    func arrived(_ parked: ParkedCase, of test: Test) {
        advance { $0.arrived(parked, of: test.id, count: CaseCount.of(test)) }
        // Without a count all that tells is that nobody else comes.
        guard state.withLock({ $0.isGuessing }) else { return }
        let seen = state.withLock { $0.parked.count }
        Task.detached {
            try? await Task.sleep(for: .milliseconds(500))
            self.advance { if $0.parked.count == seen { $0.endGuessing() } }
        }
    }

    /// A test is over or was skipped.
    ///
    /// - Parameter test: The description of its ID, as the event stream has it.
    func ended(_ test: String) {
        guard let id = identifiers.keys.first(where: { "\($0)" == test }) else { return }
        advance { $0.ended(id) }
    }

    /// Swift Testing's run is over: nobody comes any more.
    func runEnded() {
        advance { $0.close() }
    }

    /// Waits for all wanted cases.
    func gathered() async -> [ParkedCase] {
        await withCheckedContinuation { continuation in
            let done = state.withLock { state in
                if !state.isComplete { state.waiter = continuation }
                return state.isComplete ? state.parked : nil
            }
            if let done { continuation.resume(returning: done) }
        }
    }

    private func advance(_ change: (inout Gathering) -> Void) {
        let (waiter, parked) = state.withLock { state in
            change(&state)
            guard state.isComplete else { return (Gathering.Waiter?.none, [ParkedCase]()) }
            defer { state.waiter = nil }
            return (state.waiter, state.parked)
        }
        waiter?.resume(returning: parked)
    }
}

/// Who has come and who is still to come.
struct Gathering {
    typealias Waiter = CheckedContinuation<[ParkedCase], Never>

    /// Tests of which no case has come.
    private var absent: Set<Test.ID>
    /// How many cases are still to come, of tests of which one has.
    private var missing: [Test.ID: Int] = [:]
    /// Tests whose cases cannot be counted.
    private var uncounted: Set<Test.ID> = []
    private(set) var parked: [ParkedCase] = []
    var waiter: Waiter?

    init(tests: Set<Test.ID>) { absent = tests }

    var isComplete: Bool { absent.isEmpty && missing.isEmpty && uncounted.isEmpty }
    var isGuessing: Bool { absent.isEmpty && missing.isEmpty && !uncounted.isEmpty }

    mutating func arrived(_ case: ParkedCase, of test: Test.ID, count: Int?) {
        parked.append(`case`)
        if absent.remove(test) != nil {
            if let count { missing[test] = count } else { uncounted.insert(test) }
        }
        guard let left = missing[test] else { return }
        missing[test] = left > 1 ? left - 1 : nil
    }

    mutating func ended(_ test: Test.ID) {
        absent.remove(test)
        missing[test] = nil
        uncounted.remove(test)
    }

    mutating func endGuessing() { uncounted = [] }

    mutating func close() {
        absent = []
        missing = [:]
        uncounted = []
    }
}

import Synchronization

/// A number that tasks and threads count up together.
final class Counter: Sendable {
    private let number = Atomic(0)

    /// Sequentially consistent, so that a test may conclude from one counter on another.
    var value: Int { number.load(ordering: .sequentiallyConsistent) }
    func add() { number.add(1, ordering: .sequentiallyConsistent) }
}

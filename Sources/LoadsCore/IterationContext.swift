import Synchronization

/// The iteration that the current task works for: which user, the how-manieth, and what went wrong in it.
///
/// A task-local: child tasks inherit it, unstructured `Task {}` too; detached tasks and queues lose it.
public final class IterationContext: Sendable {
    /// The iteration of the current task; nil outside a load run.
    @TaskLocal public static var current: IterationContext?

    public let user: VirtualUser
    /// Counted from 0 for each user, over all cycles.
    public let number: Int
    /// Failures recorded so far. Relaxed: read after the iteration's tasks have ended.
    private let failures = Atomic<Int>(0)

    public init(user: VirtualUser, number: Int) {
        self.user = user
        self.number = number
    }

    public var hasFailed: Bool { failures.load(ordering: .relaxed) > 0 }

    /// Records that the iteration failed. From any thread.
    ///
    /// - Parameters:
    ///   - place: Where: `File.swift:12`, or a scenario's name. Failures are grouped by it.
    ///   - message: What, for a person; the first of each place is kept. Made only when it is needed.
    public func fail(at place: String, message: @autoclosure () -> String) {
        failures.add(1, ordering: .relaxed)
        user.recordFailure(at: place, message: message())
    }
}

/// How an iteration ended, as its body says. Failures recorded in its context make it failed all the same.
public enum IterationOutcome: Sendable {
    case ok
    case failed
    case skipped
}

/// What the users of a run do, again and again.
public struct Scenario: Sendable {
    public let name: String
    /// One iteration. It must notice cancellation to be interruptible.
    public let body: @Sendable (IterationContext) async -> IterationOutcome
    public init(name: String, body: @escaping @Sendable (IterationContext) async -> IterationOutcome) {
        self.name = name
        self.body = body
    }
}

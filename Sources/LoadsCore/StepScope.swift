import Synchronization

/// The step that the current task is in, as far as its outcome goes. A task-local, as ``IterationContext/current`` is.
public final class StepScope: Sendable {
    /// The innermost step of the current task.
    @TaskLocal public static var current: StepScope?

    private let outer: StepScope?
    /// Relaxed: read after the step's tasks have ended.
    private let failure = Atomic<Bool>(false)

    /// - Parameter outer: The step around it.
    public init(in outer: StepScope?) { self.outer = outer }

    /// Whether something in it failed.
    public var hasFailed: Bool { failure.load(ordering: .relaxed) }

    /// Makes it and the steps around it failed ones.
    public func fail() {
        var scope: StepScope? = self
        while let step = scope {
            step.failure.store(true, ordering: .relaxed)
            scope = step.outer
        }
    }
}

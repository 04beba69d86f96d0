import LoadsEventLoop
import Synchronization

/// The iteration that the current task works for: which user, the how-manieth, and what went wrong in it.
///
/// A task-local: child tasks inherit it, unstructured `Task {}` too; detached tasks and queues lose it.
public final class IterationContext: Sendable {
    /// The iteration of the current task; nil outside a load run.
    @TaskLocal public static var current: IterationContext?

    /// Whose iteration it is.
    public let user: VirtualUser
    /// Counted from 0 for each user, over all cycles.
    public let number: Int
    /// Failures recorded so far. Relaxed: read after the iteration's tasks have ended.
    private let failures = Atomic<Int>(0)
    /// Random numbers drawn so far. Relaxed: it guards no data.
    private let draws = Atomic<UInt64>(0)

    /// - Parameter number: From 0 for each user.
    public init(user: VirtualUser, number: Int) {
        self.user = user
        self.number = number
    }

    /// Whether a failure was recorded so far. Checks that did not pass are none.
    public var hasFailed: Bool { failures.load(ordering: .relaxed) > 0 }

    /// Records that the iteration failed. From any thread.
    ///
    /// - Parameters:
    ///   - place: Where: `File.swift:12`, or a scenario's name. Failures are grouped by it.
    ///   - message: What, for a person; the first of each place is kept. Made only when it is needed.
    public func fail(at place: String, message: @autoclosure () -> String) {
        failures.add(1, ordering: .relaxed)
        StepScope.current?.fail()
        user.recordFailure(at: place, message: message())
    }
}

extension IterationContext {
    /// A random number: of the same seed of the run, user and iteration the same ones in the same order.
    public func random() -> UInt64 {
        var random = SplitMix(seed: UInt64(truncatingIfNeeded: user.plan.seed))
        random.mix(UInt64(truncatingIfNeeded: user.number))
        random.mix(UInt64(truncatingIfNeeded: number))
        random.mix(draws.wrappingAdd(1, ordering: .relaxed).oldValue)
        return random.next()
    }

    /// Ends the run here gracefully, as its plan's end does: no interruption. From any thread.
    public func endRun() { user.endRun() }

    /// Ends the user after this iteration: it makes no further one in the whole run. The run ends with its last user. From
    /// any thread.
    public func endUser() { user.end() }

    /// Counts a step that has ended. From any thread; on the user's loop without a hop, as all that follow.
    ///
    /// - Parameter duration: Nanoseconds.
    public func recordStep(_ name: String, duration: Int64, failed: Bool) {
        let now = Instant.now
        user.count { $0.recordStep(name, duration: duration, failed: failed, now) }
    }

    /// Counts a check. One that failed fails the steps around it, not the iteration.
    public func recordCheck(_ name: String, passed: Bool) {
        if !passed { StepScope.current?.fail() }
        let now = Instant.now
        user.count { $0.recordCheck(name, passed: passed, now) }
    }

    /// Counts a value of a metric.
    public func recordMetric(_ name: String, _ kind: MetricKind, unit: String, _ value: Double) {
        let now = Instant.now
        user.count { $0.recordMetric(name, kind, unit: unit, value, now) }
    }
}

/// How an iteration ended, as its body says. Failures recorded in its context make it failed all the same.
public enum IterationOutcome: Sendable {
    /// It did what it was to do.
    case ok
    /// It did not, or an error ended it.
    case failed
    /// It was not to be done after all: its test was skipped, or its data are used up.
    case skipped
}

/// What the users of a run do, again and again.
public struct Scenario: Sendable {
    /// What weights and mixes call it, and what failures without a place are grouped under.
    public let name: String
    /// One iteration. It must notice cancellation to be interruptible.
    public let body: @Sendable (IterationContext) async -> IterationOutcome
    /// - Parameter body: One iteration. It runs on its user's loop, and must not block it without ``Plan/threads``.
    public init(name: String, body: @escaping @Sendable (IterationContext) async -> IterationOutcome) {
        self.name = name
        self.body = body
    }
}

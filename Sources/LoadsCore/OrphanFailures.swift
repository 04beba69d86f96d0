import Synchronization

/// Failures that no iteration can be charged with: an expectation in a detached task or on a queue has lost its context.
///
/// One count for the process: what is lost cannot be told apart by run either. The running ``ScenarioRunner`` reports it
/// as ``GeneratorHealth/orphanFailures``.
public enum OrphanFailures {
    // Relaxed: a number for a report, it orders nothing.
    private static let count = Atomic<Int>(0)

    /// Counts one. From any thread.
    public static func record() { count.add(1, ordering: .relaxed) }

    /// Those since the last call.
    static func take() -> Int { count.exchange(0, ordering: .relaxed) }
}

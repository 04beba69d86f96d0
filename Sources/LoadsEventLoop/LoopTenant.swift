/// One of those who share a loop: an executor whose jobs run on the loop, and by which the loop knows whose they are.
///
/// Tasks with this executor preference (their child tasks inherit it) are on the loop like any other; one that holds the
/// loop for more than 10 ms shows up in ``LoopLag/holders`` under what its tenant does at that time.
public final class LoopTenant: TaskExecutor, @unchecked Sendable {
    // @unchecked: `activity` is touched on the loop's thread only.

    /// Where its jobs run.
    public let loop: EventLoop
    private let names: [String]
    /// What the tenant does now: a place among its names. On the loop only.
    public var activity = 0

    /// - Parameters:
    ///   - loop: The loop; it keeps the tenant until it has shut down.
    ///   - names: What the tenant may do, in words.
    public init(loop: EventLoop, names: [String]) {
        self.loop = loop
        self.names = names
        loop.keep(self)
    }

    /// What the tenant does now, in words; nil when nobody said.
    var holder: String? { names.indices.contains(activity) ? names[activity] : nil }

    /// Runs a job on the loop, on the tenant's account.
    public func enqueue(_ job: consuming ExecutorJob) { loop.enqueue(UnownedJob(job), of: self) }
    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}

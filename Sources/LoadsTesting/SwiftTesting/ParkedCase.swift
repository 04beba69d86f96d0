import LoadsCore
import Testing

/// One test case, held in its scope, whose function a run calls again and again.
final class ParkedCase: @unchecked Sendable {
    // @unchecked: `function` is written in `init` and in `release`, before the first iteration and after the last.

    typealias Body = @Sendable () async throws -> Void

    /// The test's identifier.
    let test: String
    private var function: Function?
    private let jobs: AsyncStream<@Sendable () -> Void>
    private let newJobs: AsyncStream<@Sendable () -> Void>.Continuation

    /// A reference more for each call in progress, so that ``isIdle`` can tell.
    private final class Function: Sendable {
        let body: Body
        init(body: @escaping Body) { self.body = body }
    }

    init(test: String, body: @escaping Body) {
        self.test = test
        function = Function(body: body)
        (jobs, newJobs) = AsyncStream.makeStream()
    }

    /// Stays in the scope and does what ``perform(_:)`` asks for, until ``release()``.
    func serve() async {
        // Unstructured: `Test.cancel()` in a body cancels the task of the case, which must not end the run.
        let service = Task { [jobs] in for await job in jobs { job() } }
        await service.value
    }

    /// Calls a closure in the scope: a `Task` made there inherits the task-locals of the test.
    func perform(_ job: @escaping @Sendable () -> Void) { newJobs.yield(job) }

    /// Whether no iteration is in the scope. After the run: one that ignored its cancellation may be.
    var isIdle: Bool { function == nil || isKnownUniquelyReferenced(&function) }

    /// Lets the scope go; it must be idle.
    func release() {
        precondition(isIdle, "\(test): an iteration ignores its cancellation")
        function = nil
        newJobs.finish()
    }

    /// One iteration: a fresh instance of the suite, its `init` included, and the test's body.
    func call(_ context: IterationContext) async -> IterationOutcome {
        guard let function else { return .skipped }
        do {
            try await function.body()
            return .ok
        } catch {
            return ThrownError.outcome(error, test: test, in: context)
        }
    }
}

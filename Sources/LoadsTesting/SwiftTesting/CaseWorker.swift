import LoadsCore
import LoadsEventLoop

/// One user's stand-in within one parked case: a task made in the case's scope, which calls the test for the user.
///
/// Task-locals (the current test, values of the suite's own scopes) come with the task that makes a task. A user that
/// draws another test each time must therefore send its iterations to a task of that test; both live on the user's
/// loop, so the way there and back is two resumptions on one thread.
final class CaseWorker: @unchecked Sendable {
    // @unchecked: user and worker are tasks of one loop; all is touched on its thread.

    private let parked: ParkedCase
    private var context: IterationContext?
    private var idle: UnsafeContinuation<Void, Never>?
    private var caller: UnsafeContinuation<IterationOutcome, Never>?
    private var task: Task<Void, Never>?
    private var isDone = false
    private var isCancelled = false

    /// On the user's loop.
    init(_ parked: ParkedCase, of user: VirtualUser) {
        self.parked = parked
        parked.perform { [self] in
            let task = Task(executorPreference: user.executor) { await self.serve() }
            user.loop.submit {
                self.task = task
                if self.isCancelled { task.cancel() }
            }
        }
    }

    /// One iteration. On the user's loop.
    func call(_ context: IterationContext) async -> IterationOutcome {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { caller in
                self.context = context
                self.caller = caller
                wake()
            }
        } onCancel: {
            // The worker ends with the iteration: the user is being cancelled and calls no more.
            context.user.loop.submit {
                self.isCancelled = true
                self.task?.cancel()
            }
        }
    }

    /// Ends the worker's task. After the run, when nothing happens on the loop any more.
    func finish() {
        isDone = true
        wake()
    }

    private func wake() {
        let idle = idle
        self.idle = nil
        idle?.resume()
    }

    private func serve() async {
        while true {
            if context == nil, !isDone {
                await withUnsafeContinuation { idle in
                    // Between the question above and here the task may have been queued again.
                    if context == nil, !isDone { self.idle = idle } else { idle.resume() }
                }
            }
            guard let context else { return }
            self.context = nil
            let outcome = await IterationContext.$current.withValue(context) { await parked.call(context) }
            let caller = caller
            self.caller = nil
            caller?.resume(returning: outcome)
        }
    }
}

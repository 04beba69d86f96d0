import LoadsCore
import LoadsEventLoop
import Synchronization

/// The workers of one parked case, one for each user that has drawn it.
final class CaseWorkers: Sendable {
    private let parked: ParkedCase
    private let workers = Mutex<[Int: (worker: CaseWorker, user: VirtualUser)]>([:])

    init(_ parked: ParkedCase) { self.parked = parked }

    var scenario: Scenario {
        Scenario(name: parked.test) { [self] context in
            // A user with a thread of its own (`--threads`) is on no loop: it calls the test where it is, among the
            // task-locals of the case that the run was started in.
            guard context.user.loop.isOnLoop else { return await parked.call(context) }
            return await worker(of: context.user).call(context)
        }
    }

    /// Ends the workers. After the run; a loop that has shut down runs what is left to run on the caller's thread.
    func finish() {
        let workers = workers.withLock { workers in
            defer { workers = [:] }
            return Array(workers.values)
        }
        for (worker, _) in workers { worker.finish() }
    }

    private func worker(of user: VirtualUser) -> CaseWorker {
        workers.withLock { workers in
            if let known = workers[user.number] { return known.worker }
            let worker = CaseWorker(parked, of: user)
            workers[user.number] = (worker, user)
            return worker
        }
    }
}

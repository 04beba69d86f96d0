import LoadsCore
import LoadsRunner

/// Hands the scenarios to the runner, so that each is called in its own surroundings.
struct Drive: Sendable {
    let connection: RunnerConnection
    let parked: [ParkedCase]
    let cases: [CaseScenario]

    /// Runs the plan to its end, and lets the parked cases go.
    ///
    /// - Returns: Whether all could be let go; an iteration that ignores its cancellation cannot be left.
    func run() async -> Bool {
        // One case needs no workers: the users inherit its task-locals, because the run is started in its scope.
        let workers = parked.count > 1 ? parked.map(CaseWorkers.init) : []
        let scenarios =
            workers.isEmpty
            ? parked.map { parked in Scenario(name: parked.test) { await parked.call($0) } } : workers.map(\.scenario)
        await run(scenarios + cases.map(\.scenario))

        guard parked.allSatisfy(\.isIdle) else { return false }
        for workers in workers { workers.finish() }
        for parked in parked { parked.release() }
        return true
    }

    private func run(_ scenarios: [Scenario]) async {
        guard let first = parked.first else {
            await connection.run(scenarios: scenarios)
            return
        }
        await withCheckedContinuation { done in
            first.perform {
                Task {
                    await connection.run(scenarios: scenarios)
                    done.resume()
                }
            }
        }
    }
}

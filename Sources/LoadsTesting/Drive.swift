import LoadsCore
import LoadsRunner


/// Hands the scenarios to the runner, so that each is called in its own surroundings.
struct Drive: Sendable {
    let connection: RunnerConnection

    func run(_ parked: [ParkedCase], _ cases: [CaseScenario]) async {
        let scenarios = parked.map { parked in
            Scenario(name: parked.test) { await parked.call($0) }
        }
        let all = scenarios + cases.map(\.scenario)
        // The users inherit the task-locals of the scope that they are started in: with one case, they are right.
        if let parked = parked.last {
            await withCheckedContinuation { done in
                parked.perform {
                    Task {
                        await connection.run(scenarios: all)
                        done.resume()
                    }
                }
            }
        } else {
            await connection.run(scenarios: all)
        }
    }
}

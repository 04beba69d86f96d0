import CTesting
import Foundation
import LoadsCore
import Synchronization

/// A load within a plain `swift test`: one scenario, some users, one loop, and what came of it.
struct SmallRun: Sendable {
    let users: Int
    let iterations: Int

    /// Runs the scenario to its end. The caller's task-locals are the users'.
    func run(_ scenario: Scenario) async -> Result {
        loads_install_iteration_hooks()
        var plan = Plan(cycles: [Plan.Cycle(users: users, amount: .iterations(iterations))])
        // Tests run in parallel, each with its own load: a loop a core for each would only be in each other's way.
        plan.loops = 1
        let total = Mutex(Statistics())
        let runner = ScenarioRunner(plan: plan, scenarios: [scenario]) { batch in
            total.withLock { $0.merge(batch.statistics) }
        }
        _ = await runner.run()
        return Result(name: scenario.name, plan: self, statistics: total.withLock { $0 })
    }

    struct Result: Sendable {
        let name: String
        let plan: SmallRun
        let statistics: Statistics

        /// One line for each place where iterations failed; empty if none did.
        var failures: [(place: String, message: String)] {
            let counts = statistics.iterations
            guard counts.failed + counts.interrupted > 0 else { return [] }
            let places = statistics.failures.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
            guard !places.isEmpty else {
                return [(name, "\(counts.failed) of \(Counted.text(counts.started, "iteration")) failed")]
            }
            return places.map { place, occurrences in
                (
                    place,
                    "\(Counted.text(occurrences.count, "failure")) in \(Counted.text(counts.started, "iteration")): \(occurrences.sample)"
                )
            }
        }

        /// `BlogTests.TestWebSite/something: 10 users × 10 iterations: 100 ok; 1.2 ms mean, 3.4 ms p95`.
        var summary: String {
            let counts = statistics.iterations
            var parts = ["\(counts.ok) ok"]
            if counts.failed > 0 { parts.append("\(counts.failed) failed") }
            if counts.skipped > 0 { parts.append("\(counts.skipped) skipped") }
            if counts.interrupted > 0 { parts.append("\(counts.interrupted) interrupted") }
            var line =
                "\(name): \(Counted.text(plan.users, "user")) × \(Counted.text(plan.iterations, "iteration")): \(parts.joined(separator: ", "))"
            if let p95 = statistics.service.percentile(0.95) {
                line += String(
                    format: "; %.3f ms mean, %.3f ms p95", statistics.service.mean / 1e6, Double(p95) / 1e6)
            }
            return line
        }
    }
}

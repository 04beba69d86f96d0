import Foundation
import LoadsCore
import LoadsWire
import Synchronization

final class RunnerConnection: Sendable {
    static func open(kind: String) throws -> RunnerConnection { RunnerConnection() }
    func order() throws -> RunnerOrder {
        let e = ProcessInfo.processInfo.environment
        var plan = Plan(cycles: [.init(users: Int(e["U"] ?? "10")!, amount: .iterations(Int(e["N"] ?? "10")!))])
        plan.threads = e["T"] != nil
        return RunnerOrder(plan: plan, scenarios: e["S"]!.split(separator: ",").map(String.init))
    }
    func note(_ text: String) { print("NOTE", text) }
    func refuse(code: Int, message: String) { print("REFUSED", code, message) }
    func run(scenarios: [Scenario]) async {
        let e = ProcessInfo.processInfo.environment
        var plan = Plan(cycles: [.init(users: Int(e["U"] ?? "10")!, amount: .iterations(Int(e["N"] ?? "10")!))])
        plan.threads = e["T"] != nil
        plan.loops = 1
        let total = Mutex(Batch())
        let start = ContinuousClock.now
        let runner = ScenarioRunner(plan: plan, scenarios: scenarios) { b in total.withLock { $0.merge(b) } }
        let end = await runner.run()
        let t = ContinuousClock.now - start
        let s = total.withLock { $0.statistics }
        print(end, s.iterations, t, "cpu/iteration us", s.health.cpuSeconds * 1e6 / Double(s.iterations.ended), "orphans", s.health.orphanFailures)
        for (k, v) in s.failures { print("  ", k, v.count, v.sample) }
        for (k, v) in s.names { print("  ", k, v.count, v.failed) }
    }
}

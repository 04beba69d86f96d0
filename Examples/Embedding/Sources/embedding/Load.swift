import LoadsCore
import LoadsSession
import Synchronization

/// A load of closures in this process: ten users, twenty iterations each.
func load(_ url: String) async {
    let visit = Scenario(name: "visit") { context in
        let session = Session()
        do {
            let page = try await session.get(url, name: "front page")
            if page.body.isEmpty { context.fail(at: "visit", message: "the page is empty") }
            return page.isSuccess ? .ok : .failed
        } catch {
            return .failed
        }
    }
    var plan = Plan(cycles: [.init(users: 10, amount: .iterations(20))])
    plan.think = .milliseconds(5)

    let total = Mutex(Statistics())
    let runner = ScenarioRunner(plan: plan, scenarios: [visit]) { batch in
        total.withLock { $0.merge(batch.statistics) }
    }
    _ = await runner.run()

    let result = total.withLock { $0 }
    print("\(result.iterations.ok) of \(result.iterations.started) iterations ok, \(result.hits.count) hits")
    if let p95 = result.hits.latency.percentile(0.95) { print("p95 \(Double(p95) / 1e6) ms") }
}

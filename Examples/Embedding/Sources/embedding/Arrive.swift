import LoadsCore
import LoadsSession
import Synchronization

/// Arrivals instead of users: over a second the rate rises to 100 visits a second, and stays for another.
func arrive(_ url: String) async {
    let visit = Scenario(name: "visit") { _ in
        guard let page = try? await Session().get(url, discardBody: true) else { return .failed }
        return page.isSuccess ? .ok : .failed
    }
    let arrivals = Arrivals(
        stages: [
            RateStage(duration: .seconds(1), rate: .perSecond(100)),
            RateStage(duration: .seconds(1), rate: .perSecond(100)),
        ], maxUsers: 50)
    let plan = Plan(model: .arrivals(arrivals))
    precondition(plan.validate().isEmpty)

    let total = Mutex(Statistics())
    let runner = ScenarioRunner(plan: plan, scenarios: [visit]) { batch in
        total.withLock { $0.merge(batch.statistics) }
    }
    _ = await runner.run()

    let result = total.withLock { $0 }
    print("\(result.arrivals.started) of \(result.arrivals.planned) arrivals, \(result.arrivals.dropped) dropped")
    if let p95 = result.response.percentile(0.95) { print("p95 of the response times \(Double(p95) / 1e6) ms") }
}

import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsSession

// What a call of a test costs beside its requests: `swift run -c release --package-path Benchmarks iteration-benchmark`.
//
// One user on one loop makes iterations of a thousand calls each. CPU is that of the whole process; what as many
// iterations without a call cost is taken off. Medians of five.

let calls = 1000
let iterations = 2000

func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
}

func measure(_ body: @escaping @Sendable () async -> Void) async -> Double {
    var plan = Plan(cycles: [.init(users: 1, amount: .iterations(iterations))])
    plan.loops = 1
    let runner = ScenarioRunner(
        plan: plan,
        scenarios: [
            Scenario(name: "calls") { _ in
                await body()
                return .ok
            }
        ]
    ) { _ in }
    let before = cpuSeconds()
    _ = await runner.run()
    return cpuSeconds() - before
}

func report(_ what: String, _ call: @escaping @Sendable () async -> Void) async {
    var costs: [Double] = []
    for _ in 0..<5 {
        let all = await measure { for _ in 0..<calls { await call() } }
        let none = await measure { for _ in 0..<calls { await nothing() } }
        costs.append((all - none) * 1e9 / Double(calls * iterations))
    }
    print("\(what): \(Int(costs.sorted()[2].rounded())) ns")
}

@inline(never) func nothing() async {}

await report("check, one name") { check("has token", true) }
await report("check, with a tag") { check("has token", true, tags: ["plan": "pro"]) }
await report("step, a body that suspends") { await step("checkout") { await nothing() } }
await report("step, a body that does not") { step("checkout") {} }
await report("step in a step") { await step("order") { await step("checkout") { await nothing() } } }
await report("Metric.count") { Metric.count("articles") }
await report("Metric.trend") { Metric.trend("cart", 12.5) }

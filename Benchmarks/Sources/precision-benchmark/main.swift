import Glibc
import LoadsCore
import LoadsEventLoop

// How late 20,000 arrivals a second start on one loop, without any request:
// `swift run -c release --package-path Benchmarks precision-benchmark [RATE=20000]`, on a machine that does nothing else.

let rate = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 20_000

func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
}

final class Total: @unchecked Sendable {
    // @unchecked: batches come one at a time, and it is read after the last.
    var statistics = Statistics()
}

for precise in [false, true] {
    for _ in 0..<3 {
        var plan = Plan(model: .arrivals(Arrivals(rate: .perSecond(rate), for: .seconds(5), maxUsers: 200)))
        plan.loops = 1
        plan.precise = precise
        let total = Total()
        let runner = ScenarioRunner(plan: plan, scenarios: [Scenario(name: "nothing") { _ in .ok }]) { batch in
            total.statistics.merge(batch.statistics)
        }
        let before = cpuSeconds()
        _ = await runner.run()
        let cpu = cpuSeconds() - before
        let lag = total.statistics.scheduleLag
        let figures = [0.5, 0.9, 0.99, 0.999, 1].map { fraction in
            "p\(fraction * 100) \(Double((lag.percentile(fraction) ?? 0) / 1000) / 1000) ms"
        }
        let arrivals = total.statistics.arrivals
        print(
            precise ? "precise " : "sleeping", "\(arrivals.started) of \(arrivals.planned)",
            figures.joined(separator: ", "), "CPU \(Int(cpu * 20)) % of a core")
    }
}

import Foundation
import LoadsCore
import LoadsEventLoop

@testable import LoadsReport

/// Runs made up for the reports.
enum Sample {
    static func hit(
        _ name: String = "GET /", status: Int? = 200, milliseconds: Double, error: HitError? = nil
    ) -> Hit {
        Hit(
            start: Instant(nanoseconds: 0), name: name, method: "GET", url: "http://127.0.0.1/", status: status,
            latency: Int64(milliseconds * 1e6), bytesSent: 100, bytesReceived: 1024, requests: 1, error: error,
            failed: error != nil || (status ?? 0) >= 400)
    }

    /// Statistics as a recorder makes them of these hits.
    static func statistics(_ hits: [Hit]) -> Statistics {
        let recorder = Recorder(
            start: Instant(nanoseconds: 0), plan: Plan(cycles: []), registry: NameRegistry(limit: 1000))
        for hit in hits { recorder.record(hit, user: 0, iteration: 0) }
        for _ in hits {
            recorder.iterationStarted()
            recorder.iterationEnded(.ok, interrupted: false, service: 2_000_000)
        }
        return recorder.takeBatch().statistics
    }

    static func summary(
        _ statistics: Statistics, isURLTarget: Bool = false, interrupted: Bool = false, crash: RunnerCrash? = nil
    ) -> Summary {
        Summary(
            id: "r1", target: "BlogTests.TestWebSite/something", startedAt: 1_700_000_000.25, duration: 2,
            interrupted: interrupted, plan: Plan(cycles: [.init(users: 10, amount: .iterations(10))]),
            statistics: statistics, isURLTarget: isURLTarget, crash: crash)
    }

    /// Everything that can be in a summary is in it.
    static func fullSummary() -> Summary {
        var hits = (1...100).map { hit(milliseconds: Double($0)) }
        hits.append(hit("sign in", status: 500, milliseconds: 3))
        hits.append(
            hit(
                "sign in", status: nil, milliseconds: 1,
                error: HitError(kind: "connect", message: "\"refused\"\n\u{1b}[31m")))
        var statistics = statistics(hits)
        statistics.merge(grouped())
        statistics.failures["Blog.swift:12"] = Occurrences(
            count: 3, first: 0.5, last: 1.5, sample: "Expectation failed: a\n\nb")
        statistics.failures["Blog.swift:9"] = Occurrences(count: 7, first: 0.25, last: 1.75, sample: "Caught error")
        statistics.health.cpuSeconds = 0.5
        statistics.health.peakResidentBytes = 40 << 20
        statistics.health.lag.longestJob = 20_000_000
        statistics.health.lag.longJobs = 12
        statistics.health.lag.holders = [
            "BlogTests.TestWebSite/slow": LoopHold(count: 8, longest: 20_000_000),
            "BlogTests.TestWebSite/hash": LoopHold(count: 3, longest: 12_000_000),
        ]
        statistics.health.droppedHits = 5
        statistics.health.orphanFailures = 2
        statistics.health.overflowedNames = 4
        return summary(
            statistics, interrupted: true,
            crash: RunnerCrash(
                reason: "signal 11 (SIGSEGV)", output: "Fatal error", unreportedStarted: 4, unreportedEnded: 3,
                unreportedHits: 2))
    }

    /// A run with a threshold of each outcome, one of which judges the checks.
    static func judgedSummary() throws -> Summary {
        var summary = summary(statistics([hit(milliseconds: 1)]))
        summary.statistics.merge(grouped())
        summary.thresholds = [
            ThresholdResult(threshold: try Threshold("p95 < 200ms"), state: .passed, actual: 134.25e6, samples: 100),
            ThresholdResult(threshold: try Threshold("checks > 99%"), state: .breached, actual: 0.875, samples: 8),
            ThresholdResult(threshold: try Threshold("p95(GET /x) < 1s"), doubt: .unknownName),
        ]
        return summary
    }

    /// A run with arrivals.
    static func openSummary() -> Summary {
        var statistics = Statistics()
        statistics.iterations.started = 4
        statistics.iterations.ok = 4
        statistics.arrivals = ArrivalCounts(planned: 5, started: 4, dropped: 1)
        for value in 1...4 {
            statistics.service.record(Int64(value) * 10_000_000)
            statistics.response.record(Int64(value) * 100_000_000)
            statistics.scheduleLag.record(Int64(value) * 1000)
        }
        return summary(statistics)
    }

    /// A run beside one whose latencies are so many times as long, with a tolerance of 10 %.
    static func comparison(_ factor: Double) throws -> Comparison {
        func recorded(_ factor: Double) throws -> RecordedSummary {
            let hits = (0..<2000).map { hit(milliseconds: factor * Double(100 + $0 % 100)) }
            return try JSONDecoder().decode(
                RecordedSummary.self, from: Data(summary(statistics(hits), isURLTarget: true).json()))
        }
        return Comparison(try recorded(1), try recorded(factor), tolerance: 0.1)
    }

    /// A mix of two scenarios, one with a rate and dropped arrivals.
    static func mix(failed: Int = 0) -> Summary {
        let recorder = Recorder(
            start: Instant(nanoseconds: 0), plan: Plan(cycles: []), registry: NameRegistry(limit: 1000),
            byScenario: true)
        for number in 0..<10 {
            for (name, response) in [("Shop/buys", 5_000_000 as Int64?), ("Shop/looks", nil)] {
                recorder.iterationStarted(of: name)
                recorder.iterationEnded(
                    number < failed && response != nil ? .failed : .ok, interrupted: false, service: 2_000_000,
                    response: response, of: name)
            }
        }
        var statistics = recorder.takeBatch().statistics
        statistics.arrivals = ArrivalCounts(planned: 13, started: 10, dropped: 3)
        statistics.scenarios["Shop/buys"]!.arrivals = statistics.arrivals
        var mix = summary(statistics)
        mix.target = "Shop/buys Shop/looks"
        return mix
    }

    /// The same mix, of scenarios with models of their own: a rate for the first half of the run, and a number of iterations.
    static func timedMix() -> Summary {
        var mix = mix()
        mix.plan = Plan(
            model: .mix([
                MixPart(
                    scenarios: ["Shop/buys"], model: .arrivals(Arrivals(rate: .perSecond(13), for: .seconds(1)))),
                MixPart(scenarios: ["Shop/looks"], model: .cycles([.init(users: 1, amount: .iterations(10))])),
            ]))
        return mix
    }

    /// Steps, checks and a metric of each kind.
    static func grouped() -> Statistics {
        let start = Instant(nanoseconds: 0)
        let recorder = Recorder(start: start, plan: Plan(cycles: []), registry: NameRegistry(limit: 1000))
        for value in 1...4 {
            recorder.recordStep("checkout", duration: Int64(value) * 10_000_000, failed: value == 4)
            recorder.recordCheck("has token", passed: value != 2)
            recorder.recordCheck("is fast", passed: true)
            recorder.recordMetric("articles", .counter, unit: "", 700, start)
            recorder.recordMetric("queue", .gauge, unit: "jobs", Double(value), start)
            recorder.recordMetric("cached", .rate, unit: "", value == 1 ? 1 : 0, start)
            recorder.recordMetric("cart", .trend, unit: "EUR", Double(value) + 0.99, start)
        }
        recorder.recordMetric("cart", .trend, unit: "EUR", -1, start)
        recorder.recordMetric("never", .gauge, unit: "", .nan, start)
        return recorder.takeBatch().statistics
    }
}

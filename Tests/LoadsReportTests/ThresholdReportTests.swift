import Foundation
import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsReport

@Suite struct ThresholdReportTests {
    private func summary() throws -> Summary {
        var statistics = Sample.statistics([])
        statistics.health.lag.held = 500_000_000
        var summary = Sample.summary(statistics)
        summary.thresholds = [
            ThresholdResult(threshold: try Threshold("p95 < 200ms"), state: .passed, actual: 134.25e6, samples: 100),
            ThresholdResult(
                threshold: try Threshold("errors < 1% over 10s abort"), state: .breached, actual: 0.023, samples: 50,
                windowEnd: 34, windows: 30, brokenWindows: 2, breachedAt: 33, aborted: true),
            ThresholdResult(threshold: try Threshold("p95(GET /x) < 1s"), doubt: .unknownName),
            ThresholdResult(threshold: try Threshold("rate > 3/s"), state: .passed, actual: 4, lateSamples: 5),
        ]
        return summary
    }

    @Test func theTextHasALineForEach() throws {
        let text = try summary().text()
        for part in [
            "stopped by the threshold errors < 1% over 10s abort", "  ✓ p95 < 200ms                 134.25 ms\n",
            "  ✗ errors < 1% over 10s abort  2.3 % at 34 s, 2 of 30 windows broke it, breached at 33 s, the run was stopped",
            "  ? p95(GET /x) < 1s            not judged: no hit is named GET /x",
            "warning: p95(GET /x) < 1s was not judged: no hit is named GET /x",
            "warning: rate > 3/s: 5 samples came more than an hour late",
            "verdict     generator-limited", "- for 25 % of the time whatever happened waited more than 10 ms",
        ] {
            #expect(text.contains(part), "\(part) is not in\n\(text)")
        }
        let measured = Sample.summary(Sample.statistics([Sample.hit(milliseconds: 1)]))
        #expect(measured.text().contains("verdict     valid"))
        #expect(!Sample.summary(Sample.statistics([])).text().contains("thresholds"))
    }

    @Test func theJSONHasTheNumbers() throws {
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(try summary().json())) as? [String: Any])
        let thresholds = try #require(object["thresholds"] as? [[String: Any]])
        #expect(thresholds.map { $0["expression"] as? String } == (try summary().thresholds.map(\.expression)))
        #expect(thresholds.map { $0["passed"] as? Bool } == [true, false, nil, true])
        #expect(thresholds.map { $0["actual"] as? Double } == [134.25, 0.023, nil, 4])
        #expect(thresholds.map { $0["unit"] as? String } == ["ms", "share", "ms", "per_s"])
        #expect(thresholds[1]["aborted"] as? Bool == true)
        #expect(thresholds[1]["breached_at_s"] as? Int == 33)
        #expect(thresholds[2]["doubt"] as? String == "unknown-name")
        let verdict = try #require(object["verdict"] as? [String: Any])
        #expect(verdict["kind"] as? String == "generator-limited")
        let reasons = try #require(verdict["reasons"] as? [[String: Any]])
        #expect(reasons.first?["code"] as? String == "loop-lag")
        #expect(reasons.first?["actual"] as? Double == 0.25)
        #expect(reasons.first?["limit"] as? Double == 0.01)
    }
}

import Foundation
import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsReport

@Suite struct SizeReportTests {
    /// A step of 10 s of hits with one latency.
    private func step(_ load: Int, milliseconds: Double, limited: Bool = false, purpose: SizeStep.Purpose = .climb)
        throws
        -> SizeStep
    {
        var statistics = Statistics()
        var group = NameStatistics()
        group.count = load * 10
        for _ in 0..<group.count { group.latency.record(Int64(milliseconds * 1e6)) }
        statistics.names["GET /"] = group
        if limited { statistics.health.lag.held = 500_000_000 }
        var summary = Sample.summary(statistics, isURLTarget: true)
        summary.duration = 10
        let isBroken = milliseconds >= 200
        summary.thresholds = [
            ThresholdResult(
                threshold: try Threshold("p95 < 200ms"), state: isBroken ? .breached : .passed,
                actual: milliseconds * 1e6)
        ]
        return SizeStep(load: load, purpose: purpose, summary: summary)
    }

    private func report(_ steps: [SizeStep], _ result: SizeSearch.Result) throws -> SizeReport {
        SizeReport(
            target: "http://h/", unit: .users, thresholds: [try Threshold("p95 < 200ms")], steps: steps, result: result)
    }

    @Test func showsTheCurveAndWhatWasFound() throws {
        let steps = [
            try step(1, milliseconds: 50), try step(2, milliseconds: 60), try step(4, milliseconds: 100),
            try step(8, milliseconds: 400), try step(6, milliseconds: 150, purpose: .narrow),
            try step(6, milliseconds: 160, purpose: .confirm),
        ]
        let text = try report(steps, .init(found: 6, limit: .target, broken: 8)).text()
        for part in [
            "http://h/: p95 < 200ms", "  users  rate/s      p50      p95      p99  errors\n",
            "      6    6.00   160 ms   160 ms   160 ms   0.0 %  kept",
            "      8    8.00   400 ms   400 ms   400 ms   0.0 %  breached",
            "the target bears 6 users, 6.00/s; 8 users are too many",
            "with 8 users p95 < 200ms is breached: 400 ms", "p95 of the latency by load", "400 ms ┤",
        ] {
            #expect(text.contains(part), "\(part) is not in\n\(text)")
        }
        #expect(text.components(separatedBy: "●").count == 6, "four loads that are kept, and the legend")
        #expect(text.components(separatedBy: "✗").count == 3)
    }

    @Test func tellsTheGeneratorsLimitFromTheTargets() throws {
        let steps = [try step(1, milliseconds: 50), try step(2, milliseconds: 60, limited: true)]
        let text = try report(steps, .init(found: 1, limit: .generator, broken: 2)).text()
        #expect(text.contains("the target bears 1 user, 1.00/s; beyond, this generator is the limit, not the target"))
        #expect(text.contains("for 5 % of the time whatever happened waited more than 10 ms for its loop"))
        #expect(text.contains("the generator is the limit\n"))
        let none = try report([try step(1, milliseconds: 300)], .init(found: nil, limit: .target, broken: 1)).text()
        #expect(none.contains("the target does not even bear 1 user"))
    }

    @Test func aThresholdThatCouldNotBeJudgedIsToldByTheStepThatTheResultRestsOn() throws {
        var kept = try step(1, milliseconds: 50)
        let whole = try report([kept], .init(found: 1, limit: .range, broken: nil))
        #expect(whole.isJudged && !whole.text().contains("warning"))
        kept.summary.thresholds.append(
            ThresholdResult(threshold: try Threshold("p95(GET /x) < 1s"), doubt: .unknownName))
        // One that was stopped may have been too short.
        var stopped = try step(2, milliseconds: 300)
        stopped.summary.interrupted = true
        stopped.summary.thresholds[0].aborted = true
        stopped.summary.thresholds.append(
            ThresholdResult(threshold: try Threshold("p95 < 1s after 5s"), doubt: .tooShort))
        let report = try self.report([kept, stopped], .init(found: 1, limit: .target, broken: 2))
        #expect(!report.isJudged)
        let warnings = report.text().split(separator: "\n").filter { $0.contains("warning") }
        #expect(warnings == ["  warning: p95(GET /x) < 1s was not judged: no hit is named GET /x"])
        #expect(try self.report([stopped], .init(found: nil, limit: .target, broken: 2)).isJudged)
    }

    @Test func theJSONHasEveryStep() throws {
        let steps = [try step(1, milliseconds: 50), try step(2, milliseconds: 300)]
        let json = try report(steps, .init(found: 1, limit: .target, broken: 2)).json()
        let object = try #require(JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
        #expect(object["found"] as? Int == 1)
        #expect(object["broken"] as? Int == 2)
        #expect(object["limit"] as? String == "target")
        #expect(object["unit"] as? String == "users")
        let list = try #require(object["steps"] as? [[String: Any]])
        #expect(list.map { $0["load"] as? Int } == [1, 2])
        #expect(list.map { $0["outcome"] as? String } == ["kept", "breached"])
        #expect((list[1]["latency_ms"] as? [String: Any])?["max"] as? Double == 300)
    }

    @Test func aPlotHasEveryLoadAtItsPlace() {
        let plot = LoadPlot(
            points: [
                .init(load: 1, latency: 1e6, isGood: true), .init(load: 10, latency: 5e6, isGood: true),
                .init(load: 100, latency: 10e6, isGood: false),
            ], width: 21, height: 5)
        #expect(
            plot.lines == [
                "10.0 ms ┤                    ✗", "        ┤", " 5.0 ms ┤          ●", "        ┤", "      0 ┤●",
                "        └─────────────────────", "         1                 100",
            ])
        #expect(LoadPlot(points: []).lines.isEmpty)
        #expect(LoadPlot(points: [.init(load: 1, latency: 0, isGood: true)]).lines.isEmpty)
    }
}

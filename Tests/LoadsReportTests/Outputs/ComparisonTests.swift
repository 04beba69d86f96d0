import Foundation
import LoadsCore
import TestSupport
import Testing

@testable import LoadsReport

@Suite struct ComparisonTests {
    /// A summary as `--json` writes it, read again.
    private static func recorded(
        _ hits: [String: (Histogram, failed: Int)], duration: Double = 10, users: Int = 10, warmUp: Duration = .zero,
        crash: RunnerCrash? = nil
    ) throws -> RecordedSummary {
        var statistics = Statistics()
        for (name, (latency, failed)) in hits {
            var one = NameStatistics()
            (one.count, one.failed, one.latency) = (Int(latency.count), failed, latency)
            statistics.names[name] = one
        }
        var summary = Summary(
            id: "r", target: "t", startedAt: 1_700_000_000, duration: duration, interrupted: false,
            plan: Plan(cycles: [.init(users: users, amount: .iterations(1))]), statistics: statistics,
            isURLTarget: true)
        summary.plan.warmUp = warmUp
        summary.crash = crash
        return try JSONDecoder().decode(RecordedSummary.self, from: Data(summary.json()))
    }

    private static func draw(_ factor: Double, seed: UInt64, _ count: Int = 4000) -> Histogram {
        var random = SeededGenerator(seed: seed)
        return IntervalTests.draw(.lognormal, count, times: factor, &random)
    }

    private static func figure(_ comparison: Comparison, _ kind: Figure.Kind) throws -> Figure {
        try #require(comparison.figures.first { $0.subject == .all && $0.kind == kind })
    }

    @Test func aSlowerRunIsCalledSlower() throws {
        let comparison = Comparison(
            try Self.recorded(["GET /": (Self.draw(1, seed: 1), failed: 0)]),
            try Self.recorded(["GET /": (Self.draw(1.3, seed: 2), failed: 0)]))
        for fraction in [0.5, 0.95] {
            let figure = try Self.figure(comparison, .percentile(fraction))
            #expect(figure.claim == .worse)
            let truth = IntervalTests.truth(.lognormal, fraction) * 0.3e6
            #expect(figure.difference.low! < truth && truth < figure.difference.high!)
        }
        #expect(try Self.figure(comparison, .errors).claim == .none)
        #expect(try Self.figure(comparison, .rate).claim == .none)
        #expect(comparison.text().contains("slower"))
        #expect(comparison.text().contains("2 of 5 figures") || comparison.text().contains("3 of 5 figures"))
    }

    @Test func ofTheSameThingTwiceNoDifferenceIsClaimed() throws {
        let comparison = Comparison(
            try Self.recorded(["GET /": (Self.draw(1, seed: 3), failed: 4)]),
            try Self.recorded(["GET /": (Self.draw(1, seed: 4), failed: 5)]), tolerance: 0)
        #expect(comparison.figures.allSatisfy { $0.claim == .none && !$0.regressed })
        #expect(comparison.text().contains("no difference can be claimed"))
    }

    /// All figures together are wrong in no more runs than was asked for, however many there are.
    @Test func manyNamesAreNotCalledDifferentByLuck() throws {
        var wrong = 0
        for round in 0..<40 {
            var random = SeededGenerator(seed: UInt64(round))
            func run() throws -> RecordedSummary {
                var hits: [String: (Histogram, failed: Int)] = [:]
                for name in 0..<8 {
                    hits["GET /\(name)"] = (IntervalTests.draw(.exponential, 300, &random), failed: 3)
                }
                return try Self.recorded(hits)
            }
            let comparison = Comparison(try run(), try run())
            #expect(comparison.figures.count == 45)
            if comparison.figures.contains(where: { $0.claim == .better || $0.claim == .worse }) { wrong += 1 }
        }
        // Two are to be expected; three standard deviations more are six.
        #expect(wrong <= 6, "\(wrong) of 40")
    }

    @Test func aToleranceIsWhatMayBeLost() throws {
        let before = try Self.recorded(["GET /": (Self.draw(1, seed: 5), failed: 0)])
        let after = try Self.recorded(["GET /": (Self.draw(1.3, seed: 6), failed: 0)], duration: 14)
        let strict = Comparison(before, after, tolerance: 0.1)
        #expect(strict.regressions.map(\.kind).contains(.percentile(0.5)))
        #expect(strict.regressions.map(\.kind).contains(.rate), "40 % more time for as many hits")
        #expect(strict.conclusion.hasPrefix("worse by more than 10 %"))
        let report = String(decoding: Sample.summary(Statistics()).junit(comparison: strict), as: UTF8.self)
        #expect(report.contains("<failure message=\"worse by more than 10 %"))
        let lax = Comparison(before, after, tolerance: 0.5)
        #expect(lax.regressions.isEmpty)
        #expect(lax.conclusion == "no figure is certainly worse by more than 50 %")
        #expect(try Self.figure(lax, .percentile(0.5)).claim == .worse, "slower, but not by so much")
    }

    @Test func aWarmUpIsNotAmongTheTimeThatARateIsOver() throws {
        let latency = Self.draw(1, seed: 12)
        let comparison = Comparison(
            try Self.recorded(["GET /a": (latency, failed: 0), "GET /b": (latency, failed: 0)]),
            try Self.recorded(
                ["GET /a": (latency, failed: 0), "GET /b": (latency, failed: 0)], duration: 18, warmUp: .seconds(8)))
        let rates = comparison.figures.filter { $0.kind == .rate }
        #expect(rates.map(\.before.estimate) == [800, 400, 400] && rates.map(\.after.estimate) == [800, 400, 400])
        #expect(rates.allSatisfy { $0.claim == .none })
    }

    @Test func newErrorsAreARegressionAndAFewAreNot() throws {
        let before = try Self.recorded(["GET /": (Self.draw(1, seed: 7), failed: 0)])
        let few = Comparison(before, try Self.recorded(["GET /": (Self.draw(1, seed: 8), failed: 2)]))
        #expect(try Self.figure(few, .errors).claim == .none)
        let many = Comparison(before, try Self.recorded(["GET /": (Self.draw(1, seed: 8), failed: 80)]), tolerance: 0)
        #expect(try Self.figure(many, .errors).claim == .worse)
        #expect(many.regressions.map(\.kind) == [.errors])
    }

    @Test func tooFewValuesClaimNothing() throws {
        let comparison = Comparison(
            try Self.recorded(["GET /": (Self.draw(1, seed: 9, 20), failed: 0)]),
            try Self.recorded(["GET /": (Self.draw(9, seed: 10, 20), failed: 0)]))
        #expect(try Self.figure(comparison, .percentile(0.99)).claim == .tooFew)
        #expect(comparison.text().contains("no difference can be claimed: too few values"))
    }

    @Test func tellsWhatOnlyOneRunHasAndWhatWasAskedOtherwise() throws {
        let one = Self.draw(1, seed: 11)
        let comparison = Comparison(
            try Self.recorded(["GET /a": (one, failed: 0), "GET /b": (one, failed: 0)]),
            try Self.recorded(["GET /b": (one, failed: 0), "GET /c": (one, failed: 0)], users: 20))
        #expect(comparison.onlyBefore == ["GET /a"])
        #expect(comparison.onlyAfter == ["GET /c"])
        #expect(comparison.planDifferences == ["cycles"])
        #expect(comparison.text().contains("the plans differ (cycles)"))
        let json = try #require(try JSONSerialization.jsonObject(with: Data(comparison.json())) as? [String: Any])
        #expect((json["figures"] as? [[String: Any]])?.count == 10)
        #expect((json["figures"] as? [[String: Any]])?.first?["figure"] as? String == "rate_per_s")
        let markdown = String(decoding: comparison.markdown(), as: UTF8.self)
        #expect(markdown.contains("Only before: `GET /a`"))
    }

    @Test func saysWhenTheNumbersOfARunAreInDoubt() throws {
        let hits = ["GET /": (Self.draw(1, seed: 7, 100), failed: 0)]
        let crash = RunnerCrash(
            reason: "signal 9 (SIGKILL)", output: "", unreportedStarted: 3, unreportedEnded: 2, unreportedHits: 1)
        let comparison = Comparison(try Self.recorded(hits), try Self.recorded(hits, crash: crash))
        let words = try #require(comparison.warnings.first)
        #expect(words.hasPrefix("the verdict on the run after is incomplete: ") && words.contains("signal 9 (SIGKILL)"))
        #expect(comparison.warnings.count == 1)
        #expect(comparison.text().contains("warning: \(words)\n"))
        #expect(String(decoding: comparison.markdown(), as: UTF8.self).contains(words))
        #expect(String(decoding: comparison.json(), as: UTF8.self).contains("\"\(words)\""))
    }

    @Test func theColumnsStandBelowTheirHeads() throws {
        let hits = [
            "GET /": (Self.draw(1, seed: 7, 100), failed: 0), "GET /b": (Self.draw(1, seed: 8, 100), failed: 0),
        ]
        let lines = Comparison(try Self.recorded(hits), try Self.recorded(hits)).text().split(separator: "\n").map(
            Array.init)
        let head = try #require(lines.firstIndex { String($0).contains("difference (95 %)") })
        let end = try #require(String(lines[head]).firstRange(of: "difference (95 %)")).upperBound
        let width = String(lines[head])[..<end].count
        let figures = lines[(head + 1)...].filter { String($0).contains("no difference can be claimed") }
        #expect(figures.count >= 15)
        // Two spaces, then the claim: every line's interval ends where the head does.
        for line in figures.dropLast() {
            #expect(String(line[width...]).hasPrefix("  no difference"), "\(String(line))")
        }
    }

    @Test func theSumOfTwoIntervalsKeepsTheirAsymmetry() throws {
        let difference = Interval(10, low: 8, high: 16).minus(Interval(5, low: 2, high: 6))
        #expect(difference.estimate == 5)
        #expect(abs(try #require(difference.low) - (5 - (4.0 + 1).squareRoot())) < 1e-12)
        #expect(abs(try #require(difference.high) - (5 + (36.0 + 9).squareRoot())) < 1e-12)
        #expect(Interval(10, low: 8, high: nil).minus(Interval(5, low: 2, high: 6)).high == nil)
    }
}

import LoadsCore
import TestSupport
import Testing

@Suite struct ThresholdJudgeTests {
    @Test(arguments: [
        ("p95 < 20ms", 10.0, 0, true, 10e6), ("p95 < 10ms", 10, 0, false, 10e6), ("p95 <= 10.1ms", 10, 0, true, 10e6),
        ("max(GET /) < 1s", 10, 0, true, 10e6), ("mean > 9ms", 10, 0, true, 10e6), ("min == 10ms", 10, 0, true, 10e6),
        ("errors < 10%", 10, 1, true, 0.01), ("errors < 1%", 10, 1, false, 0.01), ("errors == 0", 10, 1, false, 10),
        ("failures <= 1%", 10, 1, true, 0.01), ("rate > 99/s", 10, 0, true, 100), ("rate > 100/s", 10, 0, false, 100),
        ("hits >= 1000", 10, 0, true, 1000), ("hits(GET /) < 1000", 10, 0, false, 1000),
        ("iterations >= 100/s", 10, 0, true, 100), ("rate(iterations) > 6000/m", 10, 0, false, 100),
        ("bytes >= 100KiB/s", 10, 0, true, 102_400), ("bytes < 1MB", 10, 0, false, 1_024_000),
        ("errors < 0.5/s", 10, 1, false, 1), ("count(hit GET /) > 1", 10, 0, true, 1000),
    ])
    func judgesAllOfARun(_ text: String, _ latency: Double, _ failed: Int, _ passed: Bool, _ actual: Double) throws {
        var judge = try Made.judge(text)
        for second in 0..<10 { _ = judge.second(second, Made.hits(100, milliseconds: latency, failed: failed)) }
        for result in [judge.results[0], judge.results(duration: 10)[0]] {
            #expect(result.passed == passed)
            #expect(abs(try #require(result.actual) / actual - 1) < 0.001)
            #expect(result.windowEnd == nil)
        }
    }

    @Test func tellsWhenAStateChangesAndWhenItChangesBack() throws {
        var judge = try Made.judge("errors <= 10%")
        #expect(judge.second(0, Made.hits(10)).isEmpty, "a state that is good from the beginning is no news")
        let broken = judge.second(1, Made.hits(10, failed: 5))
        #expect(broken.map(\.result.state) == [.breached])
        #expect(broken.first?.aborts == false)
        #expect(judge.second(2, Made.hits(10, failed: 5)).isEmpty)
        #expect(judge.second(3, Made.hits(1000)).map(\.result.state) == [.passed])
    }

    @Test func whatIsMeasuredBeforeAfterIsNotLookedAt() throws {
        var judge = try Made.judge("p100 < 20ms after 2s", "rate > 9/s after 2s", "rate > 9/s after 1m")
        _ = judge.second(0, Made.hits(1, milliseconds: 500))
        _ = judge.second(1, Made.hits(1, milliseconds: 500))
        #expect(judge.results.map(\.state) == [.unjudged, .unjudged, .unjudged])
        for second in 2..<6 { _ = judge.second(second, Made.hits(10)) }
        let results = judge.results(duration: 6)
        #expect(results.map(\.passed) == [true, true, nil])
        #expect(results[1].actual == 10)
        #expect(results[2].doubt == .tooShort)
    }

    @Test func aWindowIsJudgedByItself() throws {
        var judge = try Made.judge("p95 < 20ms over 3s")
        var told: [Int: ThresholdResult.State] = [:]
        for second in 0..<20 {
            // One bad second; it is in three windows.
            let changes = judge.second(second, Made.hits(10, milliseconds: second == 10 ? 100 : 10))
            if let change = changes.first { told[second] = change.result.state }
        }
        #expect(told == [10: .breached], "broken once is broken, whatever comes after")
        let result = judge.results(duration: 20)[0]
        #expect(result.windows == 18)
        #expect(result.brokenWindows == 3)
        #expect(result.breachedAt == 11)
        #expect(result.windowEnd == 11, "the worst one, the first of its like")
        #expect(abs(try #require(result.actual) / 100e6 - 1) < 0.001)
        #expect(judge.results[0].windowEnd == 20, "while the run goes on the latest is shown")
    }

    @Test func persistenceForgivesWhatPasses() throws {
        var judge = try Made.judge("p95 < 20ms for 3s", "p95 < 20ms over 2s for 3s abort")
        for second in 0..<10 {
            let isBad = second == 1 || second == 2 || second == 3 || second == 6
            #expect(judge.second(second, Made.hits(10, milliseconds: isBad ? 100 : 10)).count == (second == 4 ? 1 : 0))
        }
        let results = judge.results(duration: 10)
        #expect(results[0].passed == true, "three bad seconds span only two")
        #expect(results[0].brokenWindows == 4)
        #expect(results[1].passed == false, "the windows that end from 2 s to 5 s span three")
        #expect(results[1].breachedAt == 5)
        #expect(results[1].aborted)
    }

    @Test func aWindowWithoutSamplesNeitherBeginsABreakNorEndsIt() throws {
        var judge = try Made.judge("p95 < 20ms for 3s")
        for second in [1, 4] { _ = judge.second(second, Made.hits(10, milliseconds: 100)) }
        #expect(judge.results(duration: 5)[0].passed == false)
        var other = try Made.judge("rate > 5/s over 1s")
        _ = other.second(0, Made.hits(10))
        _ = other.advance(to: 2, delivered: 2)
        #expect(other.results[0].passed == false, "nothing a second is a rate")
    }

    @Test func fewSamplesAreNotJudged() throws {
        var judge = try Made.judge("p95 < 5ms min 100 samples", "p95 < 5ms over 2s min 15", "hits > 50 min 100")
        for second in 0..<3 { _ = judge.second(second, Made.hits(5)) }
        let results = judge.results(duration: 3)
        #expect(results.map(\.state) == [.unjudged, .unjudged, .unjudged])
        #expect(results.map(\.doubt) == [.fewSamples, .fewSamples, .fewSamples])
        #expect(results[0].doubtText == "only 15 of at least 100 samples")
    }

    @Test func aNameThatNothingBearsIsNotJudged() throws {
        var judge = try Made.judge(
            "p95(GET /nowhere) < 1s", "errors(GET /nowhere) < 1%", "rate(GET /nowhere) > 1/s over 2s abort",
            "p95(step pay) < 1s", "checks(token) > 5%", "sum(metric m) > 1", "p95(GET /) < 1s")
        for second in 0..<10 { #expect(judge.second(second, Made.hits(5)).isEmpty) }
        let results = judge.results(duration: 10)
        #expect(results.dropLast().allSatisfy { $0.passed == nil && $0.doubt == .unknownName && !$0.aborted })
        #expect(results[0].doubtText == "no hit is named GET /nowhere")
        #expect(results[3].doubtText == "no step is named pay")
        #expect(results.last?.passed == true)
    }

    @Test func judgesStepsChecksAndMetricsWithTheirTags() throws {
        var judge = try Made.judge(
            "p95(step pay) < 40ms", "p95(step pay{plan=pro}) < 40ms", "errors(step pay) == 0", "rate(step pay) >= 2/s",
            "checks > 70%", "checks(token) > 60%", "checks(token{a=b}) == 100%", "count(check token) == 3",
            "p99(metric cart) < 30ms", "p99(metric cart) < 30", "max(metric cart) <= 20", "sum(metric orders) >= 12",
            "rate(metric orders) == 12/s", "last(metric level) == 5", "min(metric level) > 2",
            "share(metric hit) == 50%",
            "mean(metric level) < 200ms", "p95(metric orders) < 3")
        var statistics = Statistics()
        statistics.steps["pay"] = StepStatistics()
        statistics.steps["pay{plan=pro}"] = StepStatistics()
        statistics.steps["payment"] = StepStatistics()
        for (key, milliseconds, failed) in [("pay", 10, 0), ("pay{plan=pro}", 50, 0), ("payment", 1000, 1)] {
            statistics.steps[key]!.count = 1
            statistics.steps[key]!.failed = failed
            statistics.steps[key]!.duration.record(Int64(milliseconds) * 1_000_000)
        }
        statistics.checks = ["token": CheckCounts(passed: 1, failed: 1), "token{a=b}": CheckCounts(passed: 1)]
        for (name, kind, unit, values) in [
            ("cart", MetricKind.trend, "ms", [10.0, 20]), ("orders", .counter, "", [5, 7]),
            ("level", .gauge, "", [3, 5]),
            ("hit", .rate, "", [0, 1]),
        ] {
            statistics.metrics[name] = MetricStatistics(kind: kind, unit: unit)
            for (index, value) in values.enumerated() { statistics.metrics[name]!.record(value, at: Double(index)) }
        }
        judge.take(statistics, second: 0)
        let results = judge.results(duration: 1)
        #expect(
            results.map(\.passed) == [
                false, false, true, true, false, true, true, true, true, true, true, true, true, true, true, true, nil,
                nil,
            ])
        #expect(results[4].actual.map { abs($0 - 2.0 / 3) < 1e-9 } == true)
        #expect(results[16].doubt == .otherUnit, "a level has no unit of time")
        #expect(results[17].doubt == .otherUnit, "an amount has no percentiles")
    }

    @Test func aRunWithoutAHitIsNotJudgedByItsLatency() throws {
        let judge = try Made.judge("p95 < 1s", "errors < 1%", "rate > 1/s", "p95 < 1s over 60s")
        let results = judge.results(duration: 5)
        #expect(results.map(\.doubt) == [.noSamples, .noSamples, nil, .tooShort])
        #expect(results[2].passed == false)
    }

    // MARK: Agents

    @Test func waitsForEveryAgentAndJudgesProvisionallyAfterFiveSeconds() throws {
        var judge = try Made.judge("p95 < 20ms over 1s abort")
        judge.take(Made.hits(10, milliseconds: 100), second: 0)
        #expect(judge.advance(to: 5.9, delivered: 0).isEmpty)
        #expect(judge.results[0].state == .unjudged)
        let provisional = judge.advance(to: 6.0, delivered: 0.9)
        #expect(provisional.map(\.aborts) == [false], "what is not complete stops no run")
        #expect(provisional.first?.result.provisional == true)
        let complete = judge.advance(to: 6.1, delivered: 1.0)
        #expect(complete.map(\.aborts) == [true])
        #expect(complete.first?.result.provisional == false)
        #expect(judge.advance(to: 7, delivered: 2).isEmpty, "once")
    }

    @Test func aProvisionalBreakCanBeTakenBack() throws {
        var judge = try Made.judge("rate > 15/s over 1s abort")
        judge.take(Made.hits(10), second: 0)
        #expect(judge.advance(to: 6, delivered: 0).map(\.result.state) == [.breached])
        judge.take(Made.hits(10), second: 0)
        let changes = judge.advance(to: 6.5, delivered: 1)
        #expect(changes.map(\.result.state) == [.passed])
        #expect(changes.first?.aborts == false)
        #expect(judge.results(duration: 1)[0].passed == true)
    }

    @Test func withoutWindowsOnlyWhatIsCompleteStopsARun() throws {
        var judge = try Made.judge("errors == 0 abort")
        judge.take(Made.hits(10, failed: 1), second: 3)
        #expect(judge.advance(to: 3.9, delivered: 2.0).isEmpty)
        #expect(judge.advance(to: 4.2, delivered: 4.1).map(\.aborts) == [true])
    }

    @Test func theFinalVerdictUsesWhatCameLate() throws {
        var judge = try Made.judge("rate > 15/s over 2s", "p95 < 20ms over 1s", "errors == 0")
        for second in 0..<200 { _ = judge.second(second, Made.hits(second == 70 ? 1 : 20)) }
        #expect(judge.results(duration: 200).map(\.passed) == [false, true, true])
        // An agent that was given up comes back with what it measured.
        judge.take(Made.hits(19, milliseconds: 100, failed: 1), second: 70)
        let results = judge.results(duration: 200)
        #expect(results.map(\.passed) == [true, false, false])
        #expect(results[1].breachedAt == 71)
        #expect(results[1].brokenWindows == 1)
        #expect(results[0].windows == 199)
    }

    @Test func samplesForWindowsOfMoreThanAnHourAgoAreCounted() throws {
        var judge = try Made.judge("p95 < 20ms over 1s", "errors == 0")
        for second in 0..<8000 { _ = judge.second(second, Made.hits(1)) }
        judge.take(Made.hits(3, milliseconds: 100, failed: 1), second: 5)
        let results = judge.results(duration: 8000)
        #expect(results[0].lateSamples == 3)
        #expect(results[0].windows == 8000)
        #expect(results[1].passed == false && results[1].lateSamples == 0)
    }

    @Test func windowsBehindTheEndOfTheLoadSayNothing() throws {
        var planned = try Made.judge("rate > 5/s over 1s", last: 5)
        for second in 0..<10 { _ = planned.second(second, Made.hits(second < 5 ? 10 : 1)) }
        #expect(planned.results(duration: 10)[0].passed == true)
        #expect(planned.results(duration: 10)[0].windows == 5)
        var stopped = try Made.judge("rate > 5/s over 1s")
        for second in 0..<10 {
            if second == 5 { stopped.loadEnds(at: 5.3) }
            _ = stopped.second(second, Made.hits(second < 5 ? 10 : 1))
        }
        #expect(stopped.results(duration: 10)[0].passed == true)
        // As the plan has it.
        let plan = Plan(cycles: [.init(users: 1, amount: .duration(.milliseconds(5500)))])
        var own = ThresholdJudge([try Threshold("rate > 5/s over 1s")], plan)
        for second in 0..<10 { _ = own.second(second, Made.hits(second < 5 ? 10 : 1)) }
        #expect(own.results(duration: 10)[0].passed == true && own.results(duration: 10)[0].windows == 5)
    }

    @Test func theWarmUpIsNotLookedAt() throws {
        var plan = Plan(cycles: [.init(users: 1, amount: .duration(.seconds(6)))])
        plan.warmUp = .milliseconds(1500)
        let thresholds = ["rate == 10/s", "rate > 5/s over 1s", "rate == 10/s after 2s", "rate > 5/s over 1s after 2s"]
        var judge = ThresholdJudge(try thresholds.map { try Threshold($0) }, plan)
        var warm = Statistics()
        warm.warmUp = Made.hits(100, milliseconds: 500)
        for second in 0..<6 { _ = judge.second(second, second < 2 ? warm : Made.hits(10)) }
        // What comes after the warm-up within a second counts, but in windows.
        judge.take(Made.hits(5), second: 1)
        let results = judge.results(duration: 6)
        #expect(results.map(\.passed) == [true, true, true, true])
        #expect(results.map(\.windows) == [0, 4, 0, 2])
    }

    @Test func judgesArrivalsAndTheTimesOfTheirIterations() throws {
        var judge = try Made.judge(
            "dropped <= 10%", "dropped == 0", "p50(response) > 90ms", "p50(service) < 20ms", "p50(iterations) > 90ms",
            "max(lag) < 2ms", "dropped < 3/s")
        var statistics = Statistics()
        statistics.arrivals = ArrivalCounts(planned: 20, started: 18, dropped: 2)
        for _ in 0..<18 {
            statistics.response.record(100_000_000)
            statistics.service.record(10_000_000)
            statistics.scheduleLag.record(1_000_000)
        }
        judge.take(statistics, second: 0)
        #expect(judge.results(duration: 1).map(\.passed) == [true, false, true, true, true, true, true])
        // What a stop came before is none of those that might have found a user.
        var stopped = Statistics()
        stopped.arrivals = ArrivalCounts(planned: 20, cancelled: 20)
        judge.take(stopped, second: 0)
        #expect(judge.results(duration: 1)[0].actual == 0.1)
        // In a closed model there is no response time: that of iterations is their service time.
        var closed = try Made.judge("p50(iterations) < 20ms", "p50(response) < 1s", "dropped == 0", "dropped < 1%")
        statistics.arrivals = ArrivalCounts()
        statistics.response = Histogram()
        closed.take(statistics, second: 0)
        #expect(closed.results(duration: 1).map(\.passed) == [true, nil, true, nil])
    }

    @Test func whatWasStoppedStaysStopped() throws {
        var judge = try Made.judge("errors == 0 abort")
        _ = judge.second(0, Made.hits(10, failed: 1))
        let stored = judge.results(duration: 1)
        #expect(stored[0].aborted)
        var restored = try Made.judge("errors == 0 abort")
        restored.restore(stored)
        #expect(restored.second(0, Made.hits(10, failed: 1)).allSatisfy { !$0.aborts }, "it is being stopped already")
        #expect(restored.results(duration: 1)[0].aborted)
        #expect(restored.results(duration: 1)[0].passed == false)
    }

    /// Judged second by second or all at once, in order or not: the end is the same.
    @Test func theEndDoesNotDependOnTheWay() throws {
        var random = SeededGenerator(seed: 1)
        let expressions = [
            "p90 < 50ms over 3s", "rate > 20/s over 5s for 4s", "errors < 10%", "p99 < 80ms after 4s", "rate > 12/s",
            "errors < 40% over 1s min 10", "hits < 900 after 7s",
        ]
        for _ in 0..<40 {
            let length = Int.random(in: 5...150, using: &random)
            let seconds = (0..<length).map { _ in
                let count = Int.random(in: 0...40, using: &random)
                return Made.hits(
                    count, milliseconds: Double(Int.random(in: 10...100, using: &random)),
                    failed: min(count, Int.random(in: 0...5, using: &random)))
            }
            let thresholds = try expressions.map { try Threshold($0) }
            var direct = ThresholdJudge(thresholds)
            for (second, statistics) in seconds.enumerated() { direct.take(statistics, second: second) }
            var stepwise = ThresholdJudge(thresholds)
            var waiting: [(Int, Statistics)] = []
            for (second, statistics) in seconds.enumerated() {
                waiting.append((second, statistics))
                if Bool.random(using: &random) { waiting.shuffle(using: &random) }
                while waiting.count > Int.random(in: 0...20, using: &random) {
                    let (second, statistics) = waiting.removeLast()
                    stepwise.take(statistics, second: second)
                }
                _ = stepwise.advance(
                    to: Double(second + 1), delivered: Double(Int.random(in: 0...(second + 1), using: &random)))
            }
            for (second, statistics) in waiting { stepwise.take(statistics, second: second) }
            #expect(stepwise.results(duration: Double(length)) == direct.results(duration: Double(length)))
        }
    }
}

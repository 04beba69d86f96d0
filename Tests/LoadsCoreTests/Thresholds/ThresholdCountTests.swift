import LoadsCore
import Testing

/// What counts, and when: numbers that must be reached, parts of seconds of a warm-up, iterations and calls that were cancelled.
@Suite struct ThresholdCountTests {
    // MARK: Numbers that must be reached

    @Test func aNumberThatMustBeReachedIsJudgedAtTheEnd() throws {
        var judge = try Made.judge(
            "hits == 400", "hits >= 400", "iterations > 399", "count(hit GET /) >= 500", "bytes > 1kB", "hits < 350",
            "hits == 300", "checks >= 10", "rate >= 300/s")
        var told: [String] = []
        func note(_ changes: [ThresholdJudge.Change]) {
            told += changes.map { "\($0.result.expression) \($0.result.state)" }
        }
        for second in 0..<2 { note(judge.second(second, Made.hits(100))) }
        #expect(judge.results.prefix(4).map(\.state) == [.unjudged, .unjudged, .unjudged, .unjudged])
        #expect(judge.results.prefix(4).map(\.doubt) == [.notYet, .notYet, .notYet, .notYet])
        #expect(judge.results[0].actual == 200, "how far it is, is shown")
        #expect(judge.results[4].passed == true, "what is reached is reached")
        for second in 2..<4 { note(judge.second(second, Made.hits(100))) }
        #expect(judge.results[0].doubt == .notYet, "more may come")
        #expect(judge.results[1].passed == true)
        // What can no longer be kept to is told at once.
        #expect(told == ["rate >= 300/s breached", "hits < 350 breached", "hits == 300 breached"])
        let results = judge.results(duration: 4)
        #expect(results.prefix(7).map(\.passed) == [true, true, true, false, true, false, false])
        #expect(results[3].doubt == nil)
    }

    @Test func aNumberThatMustBeReachedStopsNoRunAndOneThatIsPassedDoes() throws {
        var judge = try Made.judge("hits == 250 abort", "hits <= 250 abort")
        #expect(judge.second(0, Made.hits(100)).isEmpty)
        #expect(judge.second(1, Made.hits(100)).isEmpty)
        #expect(judge.second(2, Made.hits(100)).map(\.aborts) == [true, true])
    }

    @Test func aNumberThatMustBeReachedInAWindowIsJudgedThere() throws {
        var judge = try Made.judge("hits >= 100 over 1s abort")
        #expect(judge.second(0, Made.hits(100)).isEmpty)
        #expect(judge.second(1, Made.hits(99)).map(\.aborts) == [true])
    }

    // MARK: The warm-up

    @Test func everythingAfterAWarmUpThatIsNotWholeSecondsIsJudged() throws {
        let thresholds = try ["hits == 60", "p100 < 50ms", "rate == 40/s", "hits >= 20 over 1s", "hits == 40 after 1s"]
            .map {
                try Threshold($0)
            }
        var plan = Plan(cycles: [.init(users: 1, amount: .duration(.seconds(3)))])
        plan.warmUp = .milliseconds(1500)
        var judge = ThresholdJudge(thresholds, plan)
        // What belongs to the warm-up is not in it: of the second 1 only the end is.
        _ = judge.second(0, Statistics())
        _ = judge.second(1, Made.hits(20, milliseconds: 100))
        _ = judge.second(2, Made.hits(40))
        let live = judge.results
        #expect(live[2].actual == 40, "60 in 1.5 s")
        let results = judge.results(duration: 3)
        #expect(results.map(\.passed) == [true, false, true, true, nil])
        #expect(results[3].windows == 1, "a window begins with a whole second")
        #expect(results[4].doubt == .tooShort)
    }

    // MARK: Iterations

    @Test func iterationsOfAMixAreEachJudgedByTheirOwnTime() throws {
        var judge = try Made.judge(
            "p50(iterations) < 15ms", "max(iterations) > 400ms", "max(response) < 1s", "min(service) < 1ms",
            "count(hit x) > 0")
        // Two parts' figures of a second in one, and each in a batch of its own, come to the same.
        var open = Statistics()
        open.service.record(100_000)
        open.response.record(500_000_000)
        var closed = Statistics()
        for _ in 0..<9 {
            closed.service.record(10_000_000)
            closed.unscheduled.record(10_000_000)
        }
        var both = open
        both.merge(closed)
        _ = judge.second(0, both)
        _ = judge.second(1, open)
        _ = judge.second(2, closed)
        let results = judge.results(duration: 3)
        #expect(results.prefix(4).map(\.passed) == [true, true, true, true])
        #expect(results[0].samples == 20 && results[2].samples == 2 && results[3].samples == 20)
        var alone = Statistics()
        alone.service.record(7)
        #expect(alone.iterationTimes == alone.service, "of a closed model they are the service times")
        #expect(open.iterationTimes == open.response)
    }

    @Test func iterationsThatWereCancelledHaveNotBeenMade() throws {
        var judge = try Made.judge("iterations == 90", "rate(iterations) == 90/s", "failures == 0%")
        var statistics = Statistics()
        statistics.iterations.started = 100
        statistics.iterations.ok = 90
        statistics.iterations.interrupted = 10
        statistics.iterations.cutOff = 10
        _ = judge.second(0, statistics)
        #expect(judge.results(duration: 1).map(\.passed) == [true, true, true])
    }

    @Test func callsThatWereCancelledWithTheRunAreNotJudged() throws {
        var judge = try Made.judge("errors == 0", "hits == 10", "p100 < 20ms", "errors(GET /) == 0")
        var statistics = Made.hits(10)
        statistics.names["GET /"]!.cancelled = 3
        _ = judge.second(0, statistics)
        #expect(judge.results(duration: 1).map(\.passed) == [true, true, true, true])
    }
}

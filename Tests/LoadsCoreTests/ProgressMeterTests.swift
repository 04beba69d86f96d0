import Testing

@testable import LoadsCore

@Suite struct ProgressMeterTests {
    private func statistics(_ iterations: Int, latency: Int64 = 1000) -> Statistics {
        var statistics = Statistics()
        statistics.iterations.started = iterations
        statistics.iterations.ok = iterations
        var name = NameStatistics()
        name.count = iterations
        name.failed = 1
        for _ in 0..<iterations { name.latency.record(latency) }
        statistics.names["n"] = name
        statistics.users = 7
        return statistics
    }

    @Test func aCountedPlanIsDoneByItsIterations() {
        var meter = ProgressMeter(plan: Plan(cycles: [.init(users: 10, amount: .iterations(10))]))
        meter.take(statistics(25), at: 1)
        let progress = meter.progress(at: 1)
        #expect(progress.fraction == 0.25)
        #expect(progress.timeLeft == 3)
        #expect(progress.users == 7 && progress.hits == 25 && progress.failedHits == 1)
    }

    @Test func aTimedPlanIsDoneByItsTime() {
        var plan = Plan(cycles: [
            .init(users: 1, amount: .duration(.seconds(4))), .init(users: 2, amount: .duration(.seconds(4))),
        ])
        plan.pause = .seconds(2)
        var meter = ProgressMeter(plan: plan)
        #expect(meter.progress(at: 5).fraction == 0.5)
        #expect(meter.progress(at: 50).fraction == 1)
    }

    @Test func aMixedPlanHasNoFraction() {
        var meter = ProgressMeter(
            plan: Plan(cycles: [
                .init(users: 1, amount: .duration(.seconds(4))), .init(users: 2, amount: .iterations(4)),
            ]))
        #expect(meter.progress(at: 5).fraction == nil)
    }

    @Test func rateAndPercentileAreOfTheLastSecondsOnly() {
        var meter = ProgressMeter(plan: Plan(cycles: [.init(users: 1, amount: .iterations(1000))]))
        meter.take(statistics(900, latency: 1_000_000_000), at: 1)
        for second in 2...10 { meter.take(statistics(30, latency: 500), at: Double(second)) }
        let progress = meter.progress(at: 10)
        #expect((30...40).contains(progress.hitRate))
        #expect(progress.latency95 == 500)
        #expect(progress.hits == 1170)
    }

    @Test func anAdjustedRateIsWhatThePlanWants() throws {
        var meter = ProgressMeter(plan: Plan(arrivals: Arrivals(rate: .perSecond(10), for: .seconds(60))))
        #expect(try #require(meter.progress(at: 20).wantedRate) == 10)
        let changes = [UserChange(at: 21, rate: .perSecond(3000)), UserChange(at: 40, rate: .perSecond(100))]
        meter.take(Array(changes.prefix(1)))
        #expect(abs(try #require(meter.progress(at: 30).wantedRate) - 3000) < 0.001)
        meter.take(changes)
        // One of the last three seconds is at the higher rate.
        #expect(abs(try #require(meter.progress(at: 42).wantedRate) - (3000 + 200) / 3.0) < 0.5)
        #expect(abs(try #require(meter.progress(at: 50).wantedRate) - 100) < 0.001)
        var users = ProgressMeter(plan: Plan(users: 1, duration: .seconds(60)))
        users.take([UserChange(at: 3, users: 5)])
        #expect(users.progress(at: 5).wantedRate == nil)
    }

    @Test func whatWasKeptBackBelongsToTheWholeAbsence() {
        var meter = ProgressMeter(plan: Plan(cycles: [.init(users: 1, amount: .iterations(1000))]))
        for second in 1...10 { meter.take(statistics(100), at: Double(second)) }
        // Away for ten seconds: a thousand come at once, and a few in the second after it.
        meter.take(statistics(1000), at: 20)
        #expect(meter.progress(at: 20).hitRate <= 110)
        for second in 21...30 {
            meter.take(statistics(100), at: Double(second))
            let rate = meter.progress(at: Double(second)).hitRate
            #expect((90...210).contains(rate), "at \(second): \(rate)")
        }
        #expect(meter.progress(at: 30).hits == 3000)
    }

    @Test func whoComesLaterDoesNotCountTheTimeBefore() {
        var meter = ProgressMeter(plan: Plan(cycles: [.init(users: 1, amount: .iterations(1000))]))
        meter.start(from: statistics(500), at: 10)
        meter.take(statistics(50), at: 10.5)
        #expect(meter.progress(at: 10.5).hitRate == 100)
        #expect(meter.progress(at: 10.5).hits == 550)
    }
}

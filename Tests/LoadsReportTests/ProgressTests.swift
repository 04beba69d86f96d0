import LoadsCore
import Testing

@testable import LoadsReport

@Suite struct ProgressTests {
    private func batch(hits: Int, milliseconds: Double = 2) -> Statistics {
        Sample.statistics((0..<hits).map { _ in Sample.hit(milliseconds: milliseconds) })
    }

    @Test func countsIterationsTowardsThePlan() throws {
        var meter = ProgressMeter(plan: Plan(cycles: [.init(users: 10, amount: .iterations(10))]))
        meter.add(batch(hits: 25), at: 1)
        let progress = meter.progress(at: 1)
        #expect(progress.fraction == 0.25)
        #expect(progress.remaining == 3)
        #expect(progress.rate == 25)
    }

    @Test func countsTimeTowardsThePlan() {
        var plan = Plan(cycles: [.init(users: 1, amount: .duration(.seconds(4))), .init(users: 1, amount: .duration(.seconds(5)))])
        plan.pause = .seconds(1)
        let progress = ProgressMeter(plan: plan).progress(at: 2.5)
        #expect(progress.fraction == 0.25)
        #expect(progress.remaining == 7.5)
        #expect(ProgressMeter(plan: plan).progress(at: 60).fraction == 1)
    }

    @Test func rateAndPercentileAreThoseOfLate() throws {
        var meter = ProgressMeter(plan: Plan(cycles: [.init(users: 1, amount: .duration(.seconds(100)))]))
        meter.add(batch(hits: 900, milliseconds: 500), at: 1)
        meter.add(batch(hits: 30, milliseconds: 2), at: 9)
        let progress = meter.progress(at: 10)
        #expect(progress.hits == 930)
        #expect(progress.rate == 10)
        #expect(abs(Double(try #require(progress.p95)) - 2e6) < 4e3)
    }

    @Test func isOneLineOfTheTerminalsWidth() {
        var meter = ProgressMeter(plan: Plan(cycles: [.init(users: 10, amount: .iterations(10))]))
        meter.add(batch(hits: 50), at: 1)
        for width in [20, 40, 80, 120] {
            #expect(meter.progress(at: 1).bar(Style(width: width)).count < width)
        }
        let bar = meter.progress(at: 1).bar(Style(width: 100))
        for part in ["███", "░░░", "50 %", "50 hits", "50.0/s", "p95 2.0 ms", "0 failed", "1.0 s left"] {
            #expect(bar.contains(part), "\(part) is not in \(bar)")
        }
    }

    @Test func isALineOfALog() {
        var meter = ProgressMeter(plan: Plan(cycles: [.init(users: 10, amount: .iterations(10))]))
        meter.add(batch(hits: 50), at: 1)
        #expect(meter.progress(at: 1).line == "1.0 s: 50 %, 50 hits, 50.0/s, p95 2.0 ms, 0 failed, 1.0 s left")
    }
}

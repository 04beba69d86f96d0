import LoadsEventLoop
import Testing

@testable import LoadsCore

@Suite struct ScheduleTests {
    private static func stages(_ list: (Int, String)...) -> [RateStage] {
        list.map { RateStage(duration: .milliseconds($0.0), rate: try! ArrivalRate.parse($0.1)) }
    }

    @Test func constantRateIsEvenlySpaced() {
        let schedule = Schedule(Self.stages((0, "500/s"), (10_000, "500/s")))
        #expect(schedule.total == 5000)
        #expect(schedule.length == 10_000_000_000)
        for n in [0, 1, 2, 777, 4999] { #expect(schedule.time(of: n) == Int64(n) * 2_000_000) }
        #expect(schedule.time(of: 5000) == nil)
        #expect(schedule.time(of: -1) == nil)
    }

    @Test(arguments: [
        ("0.1/s", 10_000, 1), ("0.1/s", 10_001, 2), ("1/m", 59_999, 1), ("1/m", 60_000, 1), ("1/m", 60_001, 2),
        ("7/m", 300_000, 35), ("20/h", 3_600_000, 20), ("0.000001/h", 3_600_000, 1), ("3/s", 1000, 3),
        ("10000000/s", 1000, 10_000_000),
    ])
    func fractionsAddUpExactly(_ rate: String, milliseconds: Int, total: Int) throws {
        #expect(Schedule(Self.stages((0, rate), (milliseconds, rate))).total == total)
    }

    @Test func aYearOfOneAMinuteHasAsManyAsItHasMinutes() throws {
        let rate = try ArrivalRate.parse("1/m")
        let year = Duration.seconds(365 * 86_400)
        let schedule = Schedule([
            RateStage(duration: .zero, rate: rate), RateStage(duration: year, rate: rate),
        ])
        #expect(schedule.total == 525_600)
        #expect(schedule.time(of: 525_599) == Int64(525_599 * 60_000_000_000))
    }

    @Test func rampFollowsTheRoot() {
        // From 0 to 100/s in 10 s: N(t) = 5t², t(n) = √(n/5).
        let schedule = Schedule(Self.stages((10_000, "100/s")))
        #expect(schedule.total == 500)
        for n in 0..<500 {
            let exact = (Double(n) / 5).squareRoot() * 1e9
            #expect(abs(Double(schedule.time(of: n)!) - exact) < 3)
        }
    }

    @Test func rampDownToNothingMirrorsTheRampUp() {
        let down = Schedule(Self.stages((0, "100/s"), (10_000, "0/s")))
        #expect(down.total == 500)
        for n in 1..<500 {
            // N(t) = 500 − 5(10 − t)².
            let exact = (10 - ((500 - Double(n)) / 5).squareRoot()) * 1e9
            #expect(abs(Double(down.time(of: n)!) - exact) < 3)
        }
    }

    /// Against a numeric integration of the rate, whatever the stages.
    @Test(arguments: 0..<40) func closedFormulaAgreesWithNumericIntegration(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let stages = (0..<1 + random.index(below: 6)).map { _ in
            RateStage(
                duration: .milliseconds(random.index(below: 4) == 0 ? 0 : random.index(below: 3000)),
                rate: ArrivalRate(microPerHour: Int64(random.index(below: 5)) * 123_456_789_012))
        }
        let schedule = Schedule(stages)
        // Midpoints are exact for linear pieces when a step does not cross a boundary: milliseconds do not.
        var sum = 0.0
        var next = 0
        for step in 0..<Int(schedule.length / 1_000_000) {
            let start = Int64(step) * 1_000_000
            let before = sum
            sum += schedule.rate(at: start + 500_000) * 0.001
            while next < schedule.total, Double(next) < sum - 1e-9 {
                let time = try #require(schedule.time(of: next))
                #expect(time <= start + 1_000_000 + 2, "arrival \(next) comes late")
                if Double(next) > before + 1e-9 { #expect(time >= start - 2, "arrival \(next) comes early") }
                next += 1
            }
        }
        #expect(abs(Double(schedule.total) - sum) < 1.001 && Double(schedule.total) > sum - 1e-6)
    }

    @Test(arguments: 0..<20) func timesNeverGoBackAndCountsAreTheirInverse(_ seed: UInt64) throws {
        var random = SplitMix(seed: 100 + seed)
        let stages = (0..<5).map { _ in
            RateStage(
                duration: .microseconds(random.index(below: 300_000)), rate: .perSecond(random.index(below: 30_000)))
        }
        let schedule = Schedule(stages)
        var last: Int64 = 0
        for n in 0..<schedule.total {
            let time = try #require(schedule.time(of: n))
            #expect(time >= last && time <= schedule.length)
            last = time
        }
        for _ in 0..<50 {
            let time = Int64(random.index(below: Int(schedule.length) + 1000))
            let count = schedule.count(before: time)
            if count > 0 { #expect(schedule.time(of: count - 1)! < time) }
            if let next = schedule.time(of: count) { #expect(next >= time) }
        }
    }

    @Test func pausesHaveNoArrivals() {
        let schedule = Schedule(
            Self.stages((0, "10/s"), (1000, "10/s"), (0, "0/s"), (5000, "0/s"), (0, "10/s"), (1000, "10/s")))
        #expect(schedule.total == 20)
        #expect(schedule.time(of: 9) == 900_000_000)
        #expect(schedule.time(of: 10) == 6_000_000_000)
        #expect(schedule.rate(at: 3_000_000_000) == 0)
    }

    @Test func nothingIsDueWithoutARate() {
        #expect(Schedule([]).total == 0)
        let schedule = Schedule(Self.stages((1000, "0/s")))
        #expect(schedule.total == 0 && schedule.time(of: 0) == nil && schedule.count(before: .max) == 0)
    }

    @Test func partsOfArrivalsFallBetweenThem() throws {
        let schedule = Schedule(Self.stages((0, "10/s"), (1000, "10/s")))
        #expect(schedule.time(reaching: 2.5) == 250_000_000)
        #expect(schedule.time(reaching: 10) == nil)
    }
}

@Suite struct ArrivalRateTests {
    static let written: [(String, Double, String)] = [
        ("500/s", 500.0, "500/s"), ("0.5/s", 0.5, "0.5/s"), ("90/m", 1.5, "1.5/s"), ("7/m", 0.11666666666666667, "7/m"),
        ("20/h", 0.005555555555555556, "20/h"), ("0.25/h", 6.944444444444444e-05, "0.25/h"), ("12", 12.0, "12/s"),
        ("0/s", 0.0, "0/s"), (" 3 / min ", 0.05, "0.05/s"), ("10000000/s", 1e7, "10000000/s"),
    ]

    @Test(arguments: written)
    func readsAndWrites(_ text: String, perSecond: Double, written: String) throws {
        let rate = try ArrivalRate.parse(text)
        #expect(abs(rate.perSecond - perSecond) <= perSecond * 1e-12)
        #expect(rate.text == written)
        #expect(try ArrivalRate.parse(rate.text) == rate)
    }

    @Test(arguments: [
        "", "/s", "x/s", "-1/s", "1/x", "1/s/s", "1e3/s", "1./s", ".5/s", "10000001/s", "99999999999999999999/s",
        "0.0000001/h",
        "1,000/s",
    ])
    func refuses(_ text: String) { #expect(throws: InvalidRate.self) { try ArrivalRate.parse(text) } }
}

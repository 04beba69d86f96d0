import Testing

@testable import LoadsCore

/// When the arrivals of stripes come.
@Suite struct ArrivalCursorTests {
    private static func arrivals(_ rate: Int, _ seconds: Int, _ stripe: Stripe = .whole) -> Arrivals {
        var arrivals = Arrivals(rate: .perSecond(rate), for: .seconds(seconds), maxUsers: 1)
        arrivals.stripe = stripe
        return arrivals
    }

    private static func all(_ cursor: inout ArrivalCursor, until end: Int64 = .max) -> [Int64] {
        var times: [Int64] = []
        while let due = cursor.due, due < end {
            times.append(due)
            cursor.advance()
        }
        return times
    }

    @Test func stripesTogetherAreThePlan() {
        var times: [Int64] = []
        for stripe in Stripe.whole.divided(by: [3, 1, 2]) {
            var cursor = ArrivalCursor(Self.arrivals(100, 3, stripe), salt: 0)
            times += Self.all(&cursor)
        }
        #expect(times.sorted() == (0..<300).map { $0 * 10_000_000 })
    }

    /// Whatever was taken when the change is heard of, every arrival of both plans comes once.
    @Test(arguments: [0, 400_000_000, 999_000_000, 1_000_000_000, 1_300_000_000] as [Int64], [100, 730, 10])
    func aChangeLosesNothingAndDoublesNothing(_ heard: Int64, rate: Int) {
        let changed = [
            RateStage(duration: .zero, rate: .perSecond(100)), RateStage(duration: .seconds(1), rate: .perSecond(100)),
            RateStage(duration: .zero, rate: .perSecond(rate)),
            RateStage(duration: .seconds(2), rate: .perSecond(rate)),
        ]
        var times: [Int64] = []
        for stripe in Stripe.whole.divided(into: 3) {
            var cursor = ArrivalCursor(Self.arrivals(100, 3, stripe), salt: 0)
            times += Self.all(&cursor, until: heard)
            var arrivals = Self.arrivals(100, 3, stripe)
            arrivals.stages = changed
            cursor.change(to: arrivals, from: 1_000_000_000)
            times += Self.all(&cursor)
        }
        if heard <= 1_000_000_000 {
            #expect(times.sorted() == (0..<Schedule(changed).total).map { Schedule(changed).time(of: $0)! })
        } else {
            #expect(times.count == max(Schedule(changed).total, 130))
        }
    }

    @Test(arguments: [0, 990_000_000, 1_000_000_000] as [Int64]) func aLostAgentsShareIsTakenOver(_ heard: Int64) {
        let stripes = Stripe.whole.divided(into: 3)
        let parts = stripes[2].divided(into: 2)
        var lost = ArrivalCursor(Self.arrivals(100, 3, stripes[2]), salt: 0)
        var times = Self.all(&lost, until: 1_000_000_000)
        for index in 0..<2 {
            var cursor = ArrivalCursor(Self.arrivals(100, 3, stripes[index]), salt: 0)
            times += Self.all(&cursor, until: heard)
            cursor.change(to: Self.arrivals(100, 3, stripes[index].joined(with: parts[index])), from: 1_000_000_000)
            times += Self.all(&cursor)
        }
        #expect(times.sorted() == (0..<300).map { $0 * 10_000_000 })
    }

    @Test func poissonSharesAddUpToTheRate() {
        var count = 0
        for (index, stripe) in Stripe.whole.divided(by: [1, 2]).enumerated() {
            var arrivals = Self.arrivals(1000, 30, stripe)
            arrivals.poisson = true
            arrivals.seed = 7 + index
            var cursor = ArrivalCursor(arrivals, salt: 0)
            let times = Self.all(&cursor)
            // A third and two thirds of 30,000; six standard deviations.
            #expect(abs(times.count - 10_000 * (index + 1)) < 850)
            // Exponential gaps: their mean square is twice the square of their mean.
            let gaps = zip(times.dropFirst(), times).map { Double($0 - $1) }
            let mean = gaps.reduce(0, +) / Double(gaps.count)
            let square = gaps.reduce(0) { $0 + $1 * $1 } / Double(gaps.count)
            #expect(abs(square / (mean * mean) - 2) < 0.25)
            count += times.count
        }
        #expect(abs(count - 30_000) < 1100)
    }
}

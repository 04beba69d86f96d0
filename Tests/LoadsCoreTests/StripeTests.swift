import Testing

@testable import LoadsCore

@Suite struct StripeTests {
    @Test(arguments: [[1], [1, 1, 1], [1, 2, 5], [16, 4, 4, 1], [Int](repeating: 1, count: 37)])
    func everyNumberHasExactlyOneOwner(_ weights: [Int]) {
        let stripes = Stripe.whole.divided(by: weights)
        for n in 0..<20_000 { #expect(stripes.filter { $0.owns(n) }.count == 1) }
        for n in [Int.max, 1 << 32, 1 << 40 + 12345] { #expect(stripes.filter { $0.owns(n) }.count == 1) }
    }

    @Test(arguments: [[1, 1, 1], [1, 2, 5], [16, 4, 4, 1]])
    func anyStretchIsSharedInProportion(_ weights: [Int]) {
        let stripes = Stripe.whole.divided(by: weights)
        let sum = weights.reduce(0, +)
        for (stripe, weight) in zip(stripes, weights) {
            for start in [0, 1234, 1 << 33] {
                for length in [10, 100, 1000, 5000] {
                    let owned = (start..<start + length).filter { stripe.owns($0) }.count
                    // The discrepancy of the golden ratio's sequence grows with the logarithm.
                    #expect(abs(Double(owned) - Double(length * weight) / Double(sum)) < 3)
                }
            }
        }
    }

    @Test(arguments: 0..<20) func partsOfPartsAddUp(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        func weights() -> [Int] { (0..<1 + random.index(below: 6)).map { _ in random.index(below: 9) } }
        var parts: [Stripe] = []
        for agent in Stripe.whole.divided(by: weights()) { parts += agent.divided(by: weights()) }
        for n in 0..<3000 { #expect(parts.filter { $0.owns(n) }.count == 1) }
        #expect(parts.reduce(Stripe.none) { $0.joined(with: $1) } == .whole)
    }

    @Test func aLostAgentsStripeGoesToTheOthers() {
        let agents = Stripe.whole.divided(into: 3)
        let heirs = zip([agents[0], agents[2]], agents[1].divided(into: 2)).map { $0.joined(with: $1) }
        for n in 0..<3000 { #expect(heirs.filter { $0.owns(n) }.count == 1) }
        #expect(abs(heirs[0].fraction - 0.5) < 1e-9 && heirs[1].ranges.count == 1)
        // A stripe of several ranges divides as well.
        let again = Stripe([0..<10, 20..<30]).divided(into: 2)
        #expect(again == [Stripe([0..<10]), Stripe([20..<30])])
        #expect(Stripe([0..<10, 20..<30]).divided(by: [1, 3]) == [Stripe([0..<5]), Stripe([5..<10, 20..<30])])
    }

    @Test func nextAndCountAgree() {
        let stripe = Stripe.whole.divided(into: 5)[2]
        var found: [Int] = []
        var number = 0
        while let next = stripe.next(from: number, below: 100) {
            found.append(next)
            number = next + 1
        }
        #expect(found == (0..<100).filter { stripe.owns($0) })
        #expect(stripe.count(below: 100) == found.count)
        #expect(Stripe.none.next(from: 0, below: .max) == nil && Stripe.none.fraction == 0)
    }

    @Test func rangesAreCleaned() {
        #expect(Stripe([5..<9, 0..<5, 1 << 33..<1 << 34]).ranges == [0..<9])
        #expect(Stripe([0..<1 << 40]) == .whole)
    }
}

/// Whose an arrival is: which of the numbers 0, 1, 2 … belong to one agent, or to one event loop of it.
///
/// Number n stands at the place n · 2654435769 mod 2³² of a circle (Fibonacci hashing: 2654435769 is 2³² divided by the
/// golden ratio), and belongs to whoever owns that place. Places of successive numbers are spread as evenly as can be
/// (a Kronecker sequence with the least discrepancy there is), so a share of the circle gets that share of the numbers, in any
/// stretch of them. Shares that divide the circle divide the numbers: each has exactly one owner.
public struct Stripe: Sendable, Equatable {
    /// The places that are owned: ascending, apart from each other, within `0..<circumference`.
    public private(set) var ranges: [Range<UInt64>]

    /// The circle's length: 2³².
    public static let circumference: UInt64 = 1 << 32
    /// Every number.
    public static let whole = Stripe([0..<circumference])
    /// No number.
    public static let none = Stripe([])

    /// - Parameter ranges: In any order; what lies outside the circle is left out, what touches is joined.
    public init(_ ranges: [Range<UInt64>]) {
        self.ranges = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            let range = range.clamped(to: 0..<Self.circumference)
            if range.isEmpty { continue }
            if let last = self.ranges.last, last.upperBound >= range.lowerBound {
                let end = max(last.upperBound, range.upperBound)
                self.ranges[self.ranges.count - 1] = last.lowerBound..<end
            } else {
                self.ranges.append(range)
            }
        }
    }

    /// Where a number stands on the circle.
    public static func place(of number: Int) -> UInt32 { UInt32(truncatingIfNeeded: number) &* 2_654_435_769 }

    /// Whether a number's place is within ``ranges``.
    public func owns(_ number: Int) -> Bool {
        let place = UInt64(Self.place(of: number))
        for range in ranges where range.contains(place) { return true }
        return false
    }

    /// The first number from `number` on that is owned.
    ///
    /// - Returns: nil if there is none below `limit`.
    public func next(from number: Int, below limit: Int) -> Int? {
        if ranges.isEmpty { return nil }
        var number = number
        while number < limit {
            if owns(number) { return number }
            number += 1
        }
        return nil
    }

    /// How many of the numbers from 0 up to, not including, `limit` are owned.
    public func count(below limit: Int) -> Int {
        if self == .whole { return max(0, limit) }
        return (0..<max(0, limit)).reduce(0) { $0 + (owns($1) ? 1 : 0) }
    }

    /// The owned part of the circle, from 0 to 1.
    public var fraction: Double { Double(length) / Double(Self.circumference) }

    private var length: UInt64 { ranges.reduce(0) { $0 + UInt64($1.count) } }

    /// Divides what is owned in proportion to weights. The parts are disjoint, and together what this one owns.
    ///
    /// - Parameter weights: What is below 1 counts as 1, what is above 2²⁰ as 2²⁰.
    public func divided(by weights: [Int]) -> [Stripe] {
        let weights = weights.map { UInt64(max(1, min($0, 1 << 20))) }
        let sum = weights.reduce(0, +)
        guard sum > 0 else { return [] }
        let length = length
        var before: UInt64 = 0
        return weights.map { weight in
            let from = Self.portion(of: length, before, sum)
            before += weight
            return slice(from..<Self.portion(of: length, before, sum))
        }
    }

    /// Divides what is owned into equal parts.
    public func divided(into count: Int) -> [Stripe] { divided(by: [Int](repeating: 1, count: count)) }

    /// What both own.
    public func joined(with other: Stripe) -> Stripe { Stripe(ranges + other.ranges) }

    private static func portion(of length: UInt64, _ part: UInt64, _ sum: UInt64) -> UInt64 {
        let product = length.multipliedFullWidth(by: part)
        return sum.dividingFullWidth(product).quotient
    }

    /// The places from the one offset to the other, counted along what is owned.
    private func slice(_ wanted: Range<UInt64>) -> Stripe {
        var offset: UInt64 = 0
        var parts: [Range<UInt64>] = []
        for range in ranges {
            let length = UInt64(range.count)
            let part = wanted.clamped(to: offset..<offset + length)
            if !part.isEmpty {
                let first = range.lowerBound + (part.lowerBound - offset)
                parts.append(first..<first + UInt64(part.count))
            }
            offset += length
        }
        return Stripe(parts)
    }
}

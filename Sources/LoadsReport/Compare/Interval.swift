/// An estimate and the bounds of its confidence interval. A bound is nil where the data say nothing about that side.
public struct Interval: Sendable, Equatable {
    /// What was measured.
    public var estimate: Double
    /// At most ``estimate``.
    public var low: Double?
    /// At least ``estimate``.
    public var high: Double?

    /// - Parameters: All three in one unit; a bound that is not known is nil.
    public init(_ estimate: Double, low: Double?, high: Double?) {
        self.estimate = estimate
        self.low = low
        self.high = high
    }

    /// The interval of `self − factor · other`, both measured independently of each other.
    ///
    /// MOVER, the method of variance estimates recovery: each bound is as far from the estimate as the root of the
    /// summed squares of the distances of the two bounds that pull that way. It keeps the intervals' asymmetry, which a
    /// latency has. Source: G. Y. Zou, A. Donner, Statistics in Medicine 27 (2008), 1693–1702; for shares it is
    /// Newcombe's method 10 (ibid. 17 (1998), 873–890).
    ///
    /// - Parameter factor: At least 0.
    func minus(_ other: Interval, times factor: Double = 1) -> Interval {
        let difference = estimate - factor * other.estimate
        func reach(_ own: Double?, _ others: Double?) -> Double? {
            guard let own, let others else { return nil }
            let (first, second) = (own - estimate, factor * (others - other.estimate))
            return (first * first + second * second).squareRoot()
        }
        return Interval(
            difference, low: reach(low, other.high).map { difference - $0 },
            high: reach(high, other.low).map { difference + $0 })
    }
}

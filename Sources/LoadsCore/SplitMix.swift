import Glibc
import LoadsEventLoop

/// A small, fast generator (SplitMix64, Steele et al. 2014): reproducible for each user, no system call.
struct SplitMix {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    /// What a user draws its scenarios and think times from: with the same seed of the run the same ones.
    init(of user: VirtualUser) {
        // The complement: an iteration's own numbers begin with the seed as it is.
        self.init(seed: ~UInt64(truncatingIfNeeded: user.plan.seed))
        mix(UInt64(truncatingIfNeeded: user.number))
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// Goes on from here as one that has taken up a further number.
    mutating func mix(_ value: UInt64) { state = next() ^ value }

    /// A number from 0 up to, not including, `limit`.
    mutating func index(below limit: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(limit)).high) }

    /// A number from 0 up to, not including, 1: of the 2⁵³ multiples of 2⁻⁵³.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// From an exponential distribution whose mean is 1.
    mutating func exponential() -> Double { -log(1 - unit()) }

    /// From a normal distribution around 0 whose standard deviation is 1 (Box and Muller 1958).
    mutating func normal() -> Double { (2 * exponential()).squareRoot() * cos(2 * .pi * unit()) }
}

extension ThinkTime {
    /// A time from the distribution, in nanoseconds, at least 0; a constant one draws nothing.
    func draw(_ random: inout SplitMix) -> Int64 {
        func clamped(_ value: Double) -> Int64 { Int64(max(0, min(value.rounded(), 9e18))) }
        switch self {
        case .constant(let time): return time.wholeNanoseconds
        case .uniform(let low, let high):
            let (low, high) = (Double(low.wholeNanoseconds), Double(high.wholeNanoseconds))
            return clamped(low + (high - low) * random.unit())
        case .normal(let mean, let deviation):
            return clamped(Double(mean.wholeNanoseconds) + Double(deviation.wholeNanoseconds) * random.normal())
        case .exponential(let mean): return clamped(Double(mean.wholeNanoseconds) * random.exponential())
        }
    }
}

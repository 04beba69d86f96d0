import Glibc

/// The standard normal distribution.
enum NormalDistribution {
    /// The value below which a share lies: 1.96 for 0.975.
    ///
    /// By bisection of the complementary error function, which the C library has to full precision.
    ///
    /// - Parameter share: Between 0 and 1, both excluded.
    static func quantile(_ share: Double) -> Double {
        if share < 0.5 { return -quantile(1 - share) }
        var (low, high) = (0.0, 40.0)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if erfc(middle / 2.0.squareRoot()) / 2 > 1 - share { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}

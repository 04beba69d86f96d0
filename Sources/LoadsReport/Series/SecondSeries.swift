import LoadsCore

/// Puts what a run measures into its seconds. A pure structure.
///
/// A second is given out when nothing more is expected of it, a few seconds after its end. What comes later still is
/// given out as another part of the same second: nothing is lost, and parts add up.
struct SecondSeries {
    /// Seconds after which a second is taken for complete.
    static let patience = 5
    private var waiting: [Int: Statistics] = [:]
    private var newest = -1

    /// Adds what was measured between two points in time, in seconds since the start.
    ///
    /// - Returns: The seconds that are complete by that, in their order.
    mutating func take(_ statistics: Statistics, from: Double, to: Double) -> [(second: Int, Statistics)] {
        let second = Self.second(from: from, to: to)
        let most = max(statistics.users, waiting[second]?.users ?? 0)
        waiting[second, default: Statistics()].merge(statistics)
        waiting[second]!.users = most
        // Only when time goes on: what comes late in several pieces makes one part.
        guard second > newest else { return [] }
        newest = second
        return give { $0 <= second - Self.patience }
    }

    /// All that is left: the run is over.
    mutating func finish() -> [(second: Int, Statistics)] { give { _ in true } }

    private mutating func give(_ isDue: (Int) -> Bool) -> [(second: Int, Statistics)] {
        waiting.keys.filter(isDue).sorted().map { ($0, waiting.removeValue(forKey: $0)!) }
    }

    /// The second in whose middle an interval lies.
    static func second(from: Double, to: Double) -> Int {
        let middle = (from + to) / 2
        return middle.isFinite && middle > 0 ? Int(min(middle, 1e9)) : 0
    }
}

/// A known capacity: so many requests are worked on at a time, each for the same time; the others wait in line. A pure
/// structure.
struct Queue {
    /// When each place is free again, in nanoseconds of whatever clock.
    private var free: [Int64]

    init(places: Int) { free = [Int64](repeating: .min, count: places) }

    /// Takes the place that is free first.
    ///
    /// - Returns: Nanoseconds from now to the end of the work.
    mutating func delay(work: Int64, now: Int64) -> Int64 {
        var first = 0
        for place in free.indices where free[place] < free[first] { first = place }
        free[first] = max(now, free[first]) + work
        return free[first] - now
    }
}

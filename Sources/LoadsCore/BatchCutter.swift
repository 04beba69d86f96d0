/// Cuts what was counted into batches, none of which reaches over the end of a second of the run: so what happened in a second is in
/// that second's batches, and in no other. A pure structure.
///
/// What comes late, for a second whose batches have been given out, becomes a further batch of that second.
public struct BatchCutter: Sendable {
    private var pending: [Int: Batch] = [:]
    /// How far the batches so far reach, in nanoseconds since the start.
    public private(set) var reach: Int64 = 0
    private static let second: Int64 = 1_000_000_000

    /// Nothing yet.
    public init() {}

    /// Adds what was counted, by second of the run.
    public mutating func take(_ batches: [Int: Batch]) {
        for (second, batch) in batches {
            if pending[second] == nil { pending[second] = batch } else { pending[second]!.merge(batch) }
        }
    }

    /// Changes what is counted in the present second.
    public mutating func update(_ change: (inout Batch) -> Void) {
        change(&pending[Int(reach / Self.second), default: Batch()])
    }

    /// Whether a cut there would be the first one behind the end of a second.
    public func endsSecond(at time: Int64) -> Bool { time / Self.second > reach / Self.second }

    /// Gives out what there is of the time until a point in time; at least one batch, the last one ends there. What belongs to
    /// a later second stays.
    ///
    /// - Parameter time: In nanoseconds since the start; one before ``reach`` counts as that.
    public mutating func cut(at time: Int64) -> [Batch] {
        let end = max(time, reach)
        var second = Int(reach / Self.second)
        var batches: [Batch] = []
        for late in pending.keys.filter({ $0 < second }).sorted() {
            var batch = pending.removeValue(forKey: late)!
            (batch.from, batch.to) = (Double(late), Double(late + 1))
            batches.append(batch)
        }
        repeat {
            let until = min(end, (Int64(second) + 1) * Self.second)
            var batch = pending.removeValue(forKey: second) ?? Batch()
            batch.from = Double(reach) / 1e9
            batch.to = Double(until) / 1e9
            batches.append(batch)
            reach = until
            second += 1
        } while reach < end
        return batches
    }

    /// Gives out everything: nothing more comes.
    ///
    /// - Parameter time: In nanoseconds since the start.
    public mutating func finish(at time: Int64) -> [Batch] {
        var batches = cut(at: time)
        for (second, later) in pending.sorted(by: { $0.key < $1.key }) {
            var batch = later
            (batch.from, batch.to) = (Double(second), Double(second))
            batches.append(batch)
        }
        pending.removeAll()
        return batches
    }
}

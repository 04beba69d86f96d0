/// Is told what happens during a run, in order, one call at a time. A slow observer slows the merging, never the load.
public protocol RunObserver: Sendable {
    /// The users start now.
    func started()
    /// Several times a second, from the start to the end.
    func progressed(_ progress: Progress)
    /// What was measured since the last call: merged, the intervals of a run make its statistics. They come in any order,
    /// and an interval may come in several parts.
    func measured(_ interval: MeasuredInterval)
    /// Raw hits, if the plan wants them.
    func received(_ hits: [RawHit])
    /// A line for the user.
    func noted(_ text: String)
    /// Nothing happens for now: the run is queued, or the master is away. Said twice a second while it is so.
    ///
    /// - Parameters:
    ///   - what: For a person: `waiting for the master at tcp://127.0.0.1:7780`.
    ///   - seconds: For how long already.
    func waiting(_ what: String, for seconds: Double)
    /// Somebody ended the run before its plan was done; its iterations are coming to their end.
    ///
    /// - Parameter reason: Who, for a person: `stopped by tarek@laptop`.
    func stopping(_ reason: String)
}

extension RunObserver {
    /// Does nothing: a run in one process never waits.
    public func waiting(_ what: String, for seconds: Double) {}
    /// Does nothing: the summary says who ended the run.
    public func stopping(_ reason: String) {}
}

extension RunObserver {
    /// Does nothing: not everybody keeps figures of their own.
    public func measured(_ interval: MeasuredInterval) {}
}

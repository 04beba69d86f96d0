/// Is told what happens during a run, in order, one call at a time. A slow observer slows the merging, never the load.
public protocol RunObserver: Sendable {
    /// The users start now.
    func started()
    /// Several times a second, from the start to the end.
    func progressed(_ progress: Progress)
    /// Raw hits, if the plan wants them.
    func received(_ hits: [RawHit])
    /// A line for the user.
    func noted(_ text: String)
}

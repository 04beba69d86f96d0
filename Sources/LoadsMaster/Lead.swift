import LoadsEventLoop

/// How far ahead an instant is set at which all agents do something: what they are promised, and a margin for storing it
/// first. A pure structure.
///
/// Agents hear of it only once it is stored. When that has taken more than the margin, another instant is set, with a margin
/// twice as long.
struct Lead: Equatable {
    /// So much is left at least when the agents are told.
    let promised: Duration
    private(set) var margin: Duration

    /// The margin at first: half of what is promised, and no less than this. A disk that is not slow needs a few
    /// milliseconds.
    private static let shortest = Duration.milliseconds(100)
    private static let longest = Duration.seconds(60)

    /// - Parameter promised: Zero is no promise: whenever it is, it is in time.
    init(promised: Duration) {
        self.promised = promised
        margin = promised == .zero ? .zero : max(promised / 2, Self.shortest)
    }

    /// From now to the instant that is set.
    var whole: Duration { promised + margin }

    /// Whether agents may still be told of an instant that is so far ahead.
    func isKept(_ ahead: Duration) -> Bool { promised == .zero || ahead >= promised }

    /// Storing took too long.
    mutating func lengthen() { margin = min(margin * 2, Self.longest) }
}

/// In which order a ``Feeder`` gives out its rows, and what it does at their end.
public struct FeederOrder: Sendable, Equatable {
    enum Kind: Sendable {
        case sequential
        case random
        case unique
    }

    /// What happens when the rows are used up.
    public enum End: Sendable {
        /// It goes on with the first one.
        case recycle
        /// The iteration is skipped, and the run ends gracefully; of unique rows only the user ends. No failure.
        case stop
        /// The iteration fails, and the run ends gracefully; of unique rows only the user ends, and the run with the last one.
        case fail
    }

    let kind: Kind
    let end: End

    /// Each call gets the next row, whoever makes it. Several agents deal the rows out among themselves: until the end, no
    /// row is given out twice in the whole run.
    public static func sequential(atEnd end: End = .recycle) -> FeederOrder {
        FeederOrder(kind: .sequential, end: end)
    }

    /// Each call gets any row. It never ends. The same run seed draws the same rows for each user and iteration.
    public static let random = FeederOrder(kind: .random, end: .recycle)

    /// Each user of the whole run, on whatever agent, has one row of its own, the same in all of its iterations: that of its
    /// number.
    public static func unique(atEnd end: End = .fail) -> FeederOrder { FeederOrder(kind: .unique, end: end) }

    var advice: String {
        kind == .unique
            ? "unique rows: it takes one for each user of the run" : "give it more, or .sequential(atEnd: .recycle)"
    }
}

import Synchronization

/// Which names the process keeps apart: shared by the recorders of all loops, asked only at a name's first sight on one.
public final class NameRegistry: Sendable {
    /// What has names; each has room for as many.
    enum Family: Int, CaseIterable {
        case hit
        case step
        case check
        case metric
        case scenario
    }

    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        /// By family.
        var names = [Set<String>](repeating: [], count: Family.allCases.count)
        var overflowed: Set<Int> = []
    }

    /// - Parameter limit: How many names of each family are kept apart.
    public init(limit: Int) { self.limit = limit }

    /// Whether something under this name is counted under it; otherwise it goes to ``Statistics/otherName``.
    func admits(_ name: String, _ family: Family) -> Bool {
        state.withLock { state in
            if state.names[family.rawValue].contains(name) { return true }
            if state.names[family.rawValue].count < limit {
                state.names[family.rawValue].insert(name)
                return true
            }
            // Counted by hash and bounded: a program that makes up names must not fill the memory with them.
            if state.overflowed.count < 100_000 { state.overflowed.insert(name.hashValue ^ family.rawValue) }
            return false
        }
    }

    /// Names that did not fit, up to 100,000.
    var overflowed: Int { state.withLock { $0.overflowed.count } }
}

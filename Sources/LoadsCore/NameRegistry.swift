import Synchronization

/// Which names the process keeps apart: shared by the recorders of all loops, asked only at a name's first sight on one.
public final class NameRegistry: Sendable {
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        var names: Set<String> = []
        var overflowed: Set<Int> = []
    }

    /// - Parameter limit: How many names are kept apart.
    public init(limit: Int) { self.limit = limit }

    /// Whether hits under this name are counted under it; otherwise they go to ``Statistics/otherName``.
    func admits(_ name: String) -> Bool {
        state.withLock { state in
            if state.names.contains(name) { return true }
            if state.names.count < limit {
                state.names.insert(name)
                return true
            }
            // Counted by hash and bounded: a program that makes up names must not fill the memory with them.
            if state.overflowed.count < 100_000 { state.overflowed.insert(name.hashValue) }
            return false
        }
    }

    /// Names that did not fit, up to 100,000.
    var overflowed: Int { state.withLock { $0.overflowed.count } }
}

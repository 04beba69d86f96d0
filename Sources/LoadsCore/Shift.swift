import Synchronization

/// One cycle while it runs: who takes part, and when everybody is done.
final class Shift: Sendable {
    /// Users that an adjustment has added; ends once everybody is done.
    let added: AsyncStream<[VirtualUser]>
    private let feed: AsyncStream<[VirtualUser]>.Continuation
    private let state: Mutex<State>

    private struct State {
        var roster: Roster
        /// Users at work, and whoever else keeps the cycle from ending.
        var busy = 0
        var over = false
        /// Users that tests have ended.
        var ended: Set<Int> = []
    }

    init(_ roster: Roster) {
        (added, feed) = AsyncStream.makeStream()
        state = Mutex(State(roster: roster))
    }

    /// The first number that nobody has had.
    var next: Int { state.withLock { $0.roster.next } }

    /// Whether it has users, and tests have ended them all.
    var isDeserted: Bool {
        state.withLock { state in
            !state.ended.isEmpty && state.ended.count >= state.roster.members.count
                && state.roster.members.allSatisfy(state.ended.contains)
        }
    }

    /// A test has ended one of its users.
    func leave(_ number: Int) { state.withLock { _ = $0.ended.insert(number) } }

    func begin() { state.withLock { $0.busy += 1 } }

    func end() {
        let isOver = state.withLock { state in
            state.busy -= 1
            if state.busy == 0 { state.over = true }
            return state.busy == 0
        }
        if isOver { feed.finish() }
    }

    /// Changes the number of users.
    ///
    /// - Parameters:
    ///   - make: Makes the users with these numbers.
    ///   - dismiss: Tells the users with these numbers to leave.
    /// - Returns: False when everybody was done already.
    func adjust(
        to users: Int, firstNew: Int, make: (Range<Int>) -> [VirtualUser], dismiss: ([Int]) -> Void
    ) -> Bool {
        let change = state.withLock { state in
            state.over ? nil : state.roster.adjust(to: users, firstNew: firstNew)
        }
        guard let change else { return false }
        if !change.added.isEmpty { feed.yield(make(change.added)) }
        if !change.surplus.isEmpty { dismiss(change.surplus) }
        return true
    }
}

/// How many users ran on all agents together, second by second: of each agent the most in it.
///
/// Agents tell how many of theirs run with every batch. What comes late is of the second that it tells of: the seconds after it,
/// whose users are known already, change with it. A pure structure.
struct UserLevels {
    /// As far as everybody has told.
    private(set) var latest: Int
    /// By how much the number changed in a second; in the order of time, without zeros.
    private var steps: [(second: Int, by: Int)] = []
    /// Seconds of which something was told, in their order.
    private var known: [Int] = []
    /// From this second on the number is another since the last ``takeChanged()``; nil is nowhere.
    private var changedFrom: Int?

    /// Seconds that are kept: an agent that jumps to and fro in four weeks must not make the master write all of them anew with
    /// each of its batches, and one that is later than an hour was given up long ago.
    static let limit = 3600

    /// - Parameter latest: Users of whom is known already. When they began is not: before the first step there were as many.
    init(latest: Int = 0) { self.latest = latest }

    /// - Parameters:
    ///   - latest: Users now.
    ///   - seconds: The last seconds of which something was told, in their order, and the users in them.
    init(latest: Int, of seconds: [(second: Int, users: Int)]) {
        self.latest = latest
        let seconds = seconds.suffix(Self.limit)
        known = seconds.map(\.second)
        for (before, after) in zip(seconds, seconds.dropFirst()) where before.users != after.users {
            steps.append((after.second, after.users - before.users))
        }
        if let last = seconds.last, last.users != latest { steps.append((last.second + 1, latest - last.users)) }
    }

    /// Users that ran in a second. Before the seconds that are kept there were as many as when these begin.
    func users(at second: Int) -> Int {
        var users = latest
        for step in steps.reversed() {
            guard step.second > second else { break }
            users -= step.by
        }
        return users
    }

    /// Something was told of a second.
    ///
    /// - Parameter change: By how much the users of who tells are more than when it last told.
    mutating func take(_ change: Int, in second: Int) {
        let place = Self.place(of: second, in: known) { $0 }
        if place == known.count || known[place] != second { known.insert(second, at: place) }
        step(change, in: second)
        if known.count > Self.limit { forgetFirst() }
    }

    /// From a second on there are more users, or fewer. A second of which nothing was told stays one.
    mutating func step(_ change: Int, in second: Int) {
        guard change != 0 else { return }
        latest += change
        let place = Self.place(of: second, in: steps) { $0.second }
        if place == steps.count || steps[place].second != second { steps.insert((second, 0), at: place) }
        steps[place].by += change
        if steps[place].by == 0 { steps.remove(at: place) }
        changedFrom = min(changedFrom ?? second, second)
    }

    /// Seconds of which something was told and whose number is another since the last call, in their order.
    mutating func takeChanged() -> ArraySlice<Int> {
        guard let first = changedFrom else { return [] }
        changedFrom = nil
        return known[Self.place(of: first, in: known) { $0 }...]
    }

    /// The oldest second stays as it is from now on.
    private mutating func forgetFirst() {
        known.removeFirst()
        let old = steps.prefix { $0.second < known[0] }.count
        steps.removeFirst(old)
    }

    /// Where a second is or would be: mostly the last.
    private static func place<Element>(of second: Int, in list: [Element], by key: (Element) -> Int) -> Int {
        var place = list.count
        while place > 0, key(list[place - 1]) >= second { place -= 1 }
        return place
    }
}

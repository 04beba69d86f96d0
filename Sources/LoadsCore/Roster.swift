/// Who takes part in the cycle that is running, as adjustments change it. A pure structure of users' numbers.
///
/// A user that has done its part still counts as one of the cycle's: 10 users adjusted to 12 are 2 more, however many
/// of the 10 are done already. So all agents of a run come to the same numbers, whatever the speed of each.
struct Roster: Equatable {
    /// The numbers of those who were not told to leave, ascending.
    private(set) var members: [Int]
    /// The first number that nobody here has had.
    private(set) var next: Int

    /// - Parameters:
    ///   - first: The number of the first user.
    ///   - users: How many the cycle begins with.
    ///   - next: The first number that nobody here has had; numbers are given out once.
    init(first: Int, users: Int, next: Int) {
        members = Array(first..<first + users)
        self.next = max(next, first + users)
    }

    /// Changes the number of users.
    ///
    /// - Parameters:
    ///   - users: How many there are from now on.
    ///   - firstNew: The number of the first one that is added; numbers that somebody here has had are passed over.
    /// - Returns: The numbers of those that are added, ascending, and of those that must leave, the highest first.
    mutating func adjust(to users: Int, firstNew: Int) -> (added: Range<Int>, surplus: [Int]) {
        let difference = max(0, users) - members.count
        guard difference > 0 else {
            let surplus = Array(members.suffix(-difference).reversed())
            members.removeLast(-difference)
            return (0..<0, surplus)
        }
        let first = max(firstNew, next)
        let added = first..<first + difference
        members.append(contentsOf: added)
        next = added.upperBound
        return (added, [])
    }
}

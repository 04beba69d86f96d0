import Testing

@testable import LoadsCore

@Suite struct RosterTests {
    struct Change: Sendable {
        var users: Int
        var firstNew: Int
        var added: Range<Int>
        var surplus: [Int]
    }

    @Test(arguments: [
        ("nothing changes", 3, [Change(users: 3, firstNew: 10, added: 0..<0, surplus: [])], [0, 1, 2]),
        ("more", 2, [Change(users: 4, firstNew: 10, added: 10..<12, surplus: [])], [0, 1, 10, 11]),
        ("less, the highest first", 4, [Change(users: 1, firstNew: 10, added: 0..<0, surplus: [3, 2, 1])], [0]),
        ("nobody", 2, [Change(users: 0, firstNew: 10, added: 0..<0, surplus: [1, 0])], []),
        ("less than nobody", 2, [Change(users: -5, firstNew: 10, added: 0..<0, surplus: [1, 0])], []),
        ("from nobody", 0, [Change(users: 2, firstNew: 7, added: 7..<9, surplus: [])], [7, 8]),
        (
            "back and forth", 2,
            [
                Change(users: 4, firstNew: 10, added: 10..<12, surplus: []),
                Change(users: 3, firstNew: 12, added: 0..<0, surplus: [11]),
                Change(users: 5, firstNew: 12, added: 12..<14, surplus: []),
                Change(users: 1, firstNew: 14, added: 0..<0, surplus: [13, 12, 10, 1]),
            ], [0]
        ),
        (
            "a number is given out once", 3,
            [
                Change(users: 4, firstNew: 1, added: 5..<6, surplus: []),
                Change(users: 3, firstNew: 5, added: 0..<0, surplus: [5]),
                Change(users: 5, firstNew: 5, added: 6..<8, surplus: []),
            ], [0, 1, 2, 6, 7]
        ),
    ])
    func followsAdjustments(_ what: String, _ users: Int, _ changes: [Change], _ members: [Int]) {
        var roster = Roster(first: 0, users: users, next: 5)
        for change in changes {
            let (added, surplus) = roster.adjust(to: change.users, firstNew: change.firstNew)
            #expect(added == change.added && surplus == change.surplus, "\(what)")
        }
        #expect(roster.members == members, "\(what)")
    }

    @Test func numbersBeginWhereTheAgentsDo() {
        var roster = Roster(first: 34, users: 33, next: 67)
        #expect(roster.members == Array(34..<67))
        #expect(roster.adjust(to: 35, firstNew: 134).added == 134..<136)
        #expect(roster.next == 136)
    }
}

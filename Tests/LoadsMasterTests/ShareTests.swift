import LoadsCore
import LoadsMaster
import Testing

@Suite struct ShareTests {
    @Test(arguments: [
        (100, 3, [34, 33, 33]), (2, 3, [1, 1, 0]), (7, 1, [7]), (0, 2, [0, 0]), (10, 4, [3, 3, 2, 2]),
    ])
    func sharesAddUpToTheWhole(_ users: Int, _ agents: Int, _ expected: [Int]) {
        let plans = Share.plans(of: Plan(cycles: [.init(users: users, amount: .iterations(5))]), agents: agents)
        #expect(plans.map { $0.cycles[0].users } == expected)
    }

    @Test func noTwoAgentsHaveTheSameUser() {
        var plan = Plan(cycles: [10, 21, 5].map { .init(users: $0, amount: .iterations(1)) })
        plan.firstUser = 1000
        let plans = Share.plans(of: plan, agents: 4)
        var seen: Set<Int> = []
        for plan in plans {
            for user in plan.firstUser..<plan.firstUser + plan.peakUsers { #expect(seen.insert(user).inserted) }
        }
        #expect(seen == Set(1000..<1021))
        for cycle in 0..<3 { #expect(plans.reduce(0) { $0 + $1.cycles[cycle].users } == plan.cycles[cycle].users) }
    }

    @Test(arguments: [
        (100, [1, 1, 1], [34, 33, 33]), (100, [4, 2, 2], [50, 25, 25]), (10, [3, 1], [8, 2]),
        (3, [8, 8, 8, 8], [1, 1, 1, 0]),
        (1_000_000, [1 << 40, 1], [999_999, 1]), (5, [0, 0], [3, 2]),
    ])
    func weightsDivideByLargestRemainder(_ users: Int, _ weights: [Int], _ expected: [Int]) {
        let plans = Share.plans(of: Plan(cycles: [.init(users: users, amount: .iterations(5))]), weights: weights)
        #expect(plans.map { $0.cycles[0].users } == expected)
    }
}

import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsMaster

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

/// Shares of stages and of arrivals.
@Suite struct ModelShareTests {
    private static let arrivals = Arrivals(rate: .perSecond(100), for: .seconds(10), maxUsers: 10, queue: 7)

    @Test(arguments: [[1, 1, 1], [4, 1, 2]]) func arrivalsAddUpToThePlan(_ weights: [Int]) {
        var plan = Plan(arrivals: Self.arrivals)
        plan.firstUser = 50
        let plans = Share.plans(of: plan, weights: weights)
        let shares = plans.compactMap(\.arrivals)
        #expect(shares.reduce(0) { $0 + $1.maxUsers } == 10 && shares.reduce(0) { $0 + $1.queue } == 7)
        #expect(shares.reduce(0) { $0 + $1.stripe.count(below: 1000) } == 1000)
        #expect(Set(shares.map(\.seed)).count == 3 && shares.allSatisfy { $0.stages == Self.arrivals.stages })
        var users: [Int] = []
        for plan in plans { users += plan.firstUser..<plan.firstUser + plan.peakUsers }
        #expect(users == Array(50..<60))
    }

    @Test(arguments: [[100, 1, 1], [1, 1, 1000], [64, 1, 1, 1, 1, 1, 1, 1, 1, 1]])
    func everyAgentHasAUserForItsArrivals(_ weights: [Int]) {
        let shares = Share.plans(of: Plan(arrivals: Self.arrivals), weights: weights).compactMap(\.arrivals)
        #expect(shares.allSatisfy { $0.maxUsers > 0 })
        #expect(shares.reduce(0) { $0 + $1.maxUsers } == 10)
    }

    @Test func agentsWithoutAUserGetNoArrivals() {
        let shares = Share.plans(of: Plan(arrivals: Self.arrivals), agents: 12).compactMap(\.arrivals)
        #expect(shares.allSatisfy { ($0.maxUsers == 0) == ($0.stripe == Stripe.none) })
        #expect(shares.reduce(0) { $0 + $1.stripe.count(below: 1000) } == 1000)
    }

    @Test func usersOfStagesAddUpAtEveryTime() {
        let stages = UserStages(stages: [UserStage(duration: .seconds(10), users: 100)])
        let plans = Share.plans(of: Plan(model: .users(stages)), agents: 3)
        #expect(plans.reduce(0) { $0 + $1.peakUsers } == 100)
        // The golden ratio's sequence is as even as can be, not perfectly so.
        #expect(plans.allSatisfy { (31...36).contains($0.peakUsers) && $0.firstUser == 0 })
    }

    @Test func whatALostAgentHadGoesToTheOthers() throws {
        let shares = Share.models(of: .arrivals(Self.arrivals), weights: [1, 1, 2])
        let heirs = try #require(
            RunModels.inherited([(shares[0], 1), (shares[1], 1)], of: shares[2]))
        var left: [Arrivals] = []
        for case .arrivals(let arrivals) in heirs { left.append(arrivals) }
        #expect(left.map(\.maxUsers).reduce(0, +) == 10 && left.map(\.queue).reduce(0, +) == 7)
        for n in 0..<1000 { #expect(left.filter { $0.stripe.owns(n) }.count == 1) }
        #expect(RunModels.inherited([(.cycles([]), 1)], of: .cycles([])) == nil)
    }

    @Test func aChangedRateKeepsWhatWas() throws {
        let ramp = Arrivals(stages: [RateStage(duration: .seconds(10), rate: .perSecond(100))], maxUsers: 1)
        let changed = ramp.changed(to: .perSecond(800), from: 5_000_000_000)
        #expect(
            changed.stages == [
                RateStage(duration: .seconds(5), rate: .perSecond(50)),
                RateStage(duration: .zero, rate: .perSecond(800)),
                RateStage(duration: .seconds(5), rate: .perSecond(800)),
            ])
        #expect(changed.length == .seconds(10) && changed.schedule.total == 125 + 4000)
        // Again, and at a boundary.
        let again = changed.changed(to: .zero, from: 7_000_000_000)
        #expect(again.schedule.total == 125 + 1600 && again.length == .seconds(10))
        #expect(changed.changed(to: .perSecond(1), from: 0).schedule.total == 10)
        let users = UserStages(stages: [
            UserStage(duration: .zero, users: 5), UserStage(duration: .seconds(10), users: 5),
        ])
        #expect(
            users.changed(to: 9, from: 4_000_000_000).stages.map(\.users) == [5, 5, 9, 9]
                && users.changed(to: 9, from: 4_000_000_000).length == .seconds(10))
    }

    @Test func runsHaveSeedsOfTheirOwn() {
        var poisson = Self.arrivals
        poisson.poisson = true
        let plan = Plan(arrivals: poisson)
        #expect(Share.seeded(plan, for: "a").arrivals?.seed != Share.seeded(plan, for: "b").arrivals?.seed)
        // The plan's seed is theirs, whatever the run's name; and that of a mix is each part's, all different.
        var seeded = plan
        seeded.seed = 42
        #expect(Share.seeded(seeded, for: "a").arrivals?.seed == 42)
        #expect(Share.seeded(seeded, for: "b").arrivals?.seed == 42)
        let part = MixPart(scenarios: ["a"], model: .arrivals(poisson))
        seeded.model = .mix([part, part])
        func seeds(_ plan: Plan) -> [Int] {
            guard case .mix(let parts) = Share.seeded(plan, for: "a").model else { return [] }
            return parts.map { if case .arrivals(let arrivals) = $0.model { arrivals.seed } else { 0 } }
        }
        #expect(Set(seeds(seeded)).count == 2 && !seeds(seeded).contains(0))
        let others = seeds(seeded)
        seeded.seed = 43
        #expect(Set(seeds(seeded)).isDisjoint(with: others))
        poisson.seed = 7
        #expect(Share.seeded(Plan(arrivals: poisson), for: "a").arrivals?.seed == 7)
    }
}

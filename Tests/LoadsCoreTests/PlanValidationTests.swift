import LoadsCore
import Testing

@Suite struct PlanValidationTests {
    private let good = Plan(cycles: [.init(users: 10, amount: .iterations(10))])

    @Test func acceptsAnOrdinaryPlan() {
        #expect(good.validate().isEmpty)
        var plan = Plan(cycles: [.init(users: 1_000_000, amount: .duration(.seconds(86_400)))])
        plan.serverURL = "https://[::1]:8443/base"
        plan.timeout = .milliseconds(1)
        plan.loops = 1
        plan.grace = .zero
        #expect(plan.validate().isEmpty)
    }

    @Test func reportsEveryProblemAtOnce() {
        var plan = Plan(cycles: [
            .init(users: 0, amount: .iterations(-3)), .init(users: 2_000_000, amount: .duration(.zero)),
        ])
        plan.pause = .seconds(-1)
        plan.rampUp = .seconds(-1)
        plan.think = .milliseconds(-1)
        plan.grace = .seconds(Int64.max / 2)
        plan.loops = 0
        plan.timeout = .zero
        plan.serverURL = "localhost"
        plan.maxNames = 0
        plan.firstUser = -1
        let options = [
            "users", "iterations", "users", "duration", "pause", "ramp-up", "think", "grace", "loops", "timeout",
            "server-url", "max-names", "first-user",
        ]
        #expect(plan.validate().map(\.option) == options)
    }

    @Test func namesOptionValueAndRemedy() throws {
        var plan = good
        plan.cycles[0].users = -4
        let problem = try #require(plan.validate().first)
        #expect("\(problem)" == "--users -4: not a number of users (from 1 to 1,000,000)")
    }

    @Test func refusesAPlanWithoutCycles() {
        #expect(Plan(cycles: []).validate().map(\.option) == ["users"])
    }

    @Test func refusesMoreThreadsThanAMachineHas() {
        var plan = Plan(cycles: [.init(users: 100_000, amount: .iterations(1))])
        #expect(plan.validate().isEmpty)
        plan.threads = true
        #expect(plan.validate().map(\.option) == ["threads"])
    }

    @Test(arguments: ["", "http://", "https:///x", "ftp://host", "http://a b", "//host", "http://:80"])
    func refusesAServerThatIsNoAddress(text: String) {
        var plan = good
        plan.serverURL = text
        #expect(plan.validate().map(\.option) == ["server-url"])
    }
}

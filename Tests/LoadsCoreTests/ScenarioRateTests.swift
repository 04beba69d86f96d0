import LoadsCore
import Testing

@Suite struct ScenarioRateTests {
    private static func summary(_ plan: Plan, duration: Double = 2) -> Summary {
        Summary(
            id: "1", target: "t", startedAt: 0, duration: duration, interrupted: false, plan: plan,
            statistics: Statistics(), isURLTarget: true)
    }

    private static let mix = Plan(
        model: .mix([
            MixPart(scenarios: ["rate"], model: .arrivals(Arrivals(rate: .perSecond(10), for: .seconds(1)))),
            MixPart(
                scenarios: ["late"], start: .milliseconds(1500),
                model: .cycles([.init(users: 1, amount: .duration(.seconds(5)))])),
            MixPart(scenarios: ["count"], model: .cycles([.init(users: 1, amount: .iterations(5))])),
            MixPart(
                scenarios: ["one", "two"],
                model: .users(UserStages(stages: [UserStage(duration: .milliseconds(800), users: 3)]))),
            MixPart(
                scenarios: ["pause"],
                model: .cycles([
                    .init(users: 1, amount: .duration(.milliseconds(250))),
                    .init(users: 2, amount: .duration(.milliseconds(250))),
                ]), pause: .milliseconds(500)),
        ]))

    @Test(
        arguments: [
            // As long as its model says, and no longer than the run.
            ("rate", 20), ("late", 40), ("one", 25), ("two", 25), ("one, two", 25), ("pause", 20),
            // How long so many iterations take nobody knows beforehand.
            ("count", nil), ("(other)", nil),
        ] as [(String, Double?)])
    func aScenarioOfAMixGoesOnInItsOwnTime(_ scenario: String, _ expected: Double?) {
        #expect(Self.summary(Self.mix).rate(of: 20, scenario: scenario) == expected)
    }

    @Test func theWarmUpIsNoPartOfIt() {
        var mix = Self.mix
        mix.warmUp = .milliseconds(500)
        #expect(Self.summary(mix).rate(of: 20, scenario: "rate") == 40)
        #expect(Self.summary(mix).rate(of: 20, scenario: "late") == 40, "it begins later")
        mix.warmUp = .seconds(1)
        #expect(Self.summary(mix).rate(of: 0, scenario: "rate") == nil)
    }

    @Test func scenariosThatShareTheRunsModelGoOnForTheWholeRun() {
        var plan = Plan(cycles: [.init(users: 2, amount: .iterations(10))])
        #expect(Self.summary(plan).rate(of: 20, scenario: "any") == 10)
        plan.warmUp = .seconds(1)
        #expect(Self.summary(plan).rate(of: 20, scenario: "any") == 20)
        #expect(Self.summary(plan, duration: 0).rate(of: 0, scenario: "any") == nil)
    }
}

import LoadsCore
import Testing

@Suite struct PlannedArrivalsTests {
    private static func summary(_ plan: Plan, _ change: (inout Summary) -> Void = { _ in }) -> Summary {
        var summary = Summary(
            id: "1", target: "t", startedAt: 0, duration: 10, interrupted: false, plan: plan, statistics: Statistics(),
            isURLTarget: true)
        change(&summary)
        return summary
    }

    private static let plan = Plan(arrivals: Arrivals(rate: .perSecond(100), for: .seconds(10)))

    @Test func thePlanSaysHowManyThereAre() {
        #expect(Self.summary(Self.plan).arrivalsOfPlan == 1000)
        var warm = Self.plan
        warm.warmUp = .milliseconds(2500)
        #expect(Self.summary(warm).arrivalsOfPlan == 750)
        #expect(Self.summary(Plan(cycles: [])).arrivalsOfPlan == nil)
    }

    @Test func changesOnTheWayBelongToThePlan() {
        let changed = Self.summary(Self.plan) {
            $0.changes = [UserChange(at: 4, rate: .perSecond(50)), UserChange(at: 8, rate: .perSecond(200))]
        }
        #expect(changed.arrivalsOfPlan == 400 + 200 + 400)
    }

    @Test func aRunThatEndedBeforeItsPlanHasNoSuchNumber() {
        #expect(Self.summary(Self.plan) { $0.interrupted = true }.arrivalsOfPlan == nil)
        #expect(Self.summary(Self.plan) { $0.crash = .lost("x") }.arrivalsOfPlan == nil)
    }

    @Test func thePartsOfAMixAddUp() {
        let parts = [
            MixPart(scenarios: ["a"], model: .arrivals(Arrivals(rate: .perSecond(10), for: .seconds(5)))),
            MixPart(
                scenarios: ["b"], start: .seconds(2), model: .arrivals(Arrivals(rate: .perSecond(20), for: .seconds(5)))
            ),
            MixPart(scenarios: ["c"], model: .cycles([.init(users: 1, amount: .duration(.seconds(5)))])),
        ]
        var plan = Plan(model: .mix(parts))
        #expect(Self.summary(plan).arrivalsOfPlan == 150)
        plan.warmUp = .seconds(3)
        #expect(Self.summary(plan).arrivalsOfPlan == 20 + 80)
    }
}

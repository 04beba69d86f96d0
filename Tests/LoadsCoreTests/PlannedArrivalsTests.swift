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
        // From 0 to 5 s and from 2 to 7 s are seven seconds, of which three are the warm-up.
        #expect(Self.rate(plan, 100) == 25)
        plan.warmUp = .zero
        #expect(Self.rate(plan, 150) == 150.0 / 7)
    }

    // MARK: Their rate

    private static func rate(_ plan: Plan, _ planned: Int, _ change: (inout Summary) -> Void = { _ in }) -> Double? {
        summary(plan) {
            $0.statistics.arrivals = ArrivalCounts(planned: planned, started: planned)
            change(&$0)
        }.arrivalRate
    }

    private static func staged(_ stages: [(Duration, Int)]) -> Plan {
        Plan(arrivals: Arrivals(stages: stages.map { RateStage(duration: $0.0, rate: .perSecond($0.1)) }))
    }

    @Test(arguments: [2.5, 10, 14]) func theirRateIsThatOfThePlanHoweverLongTheRunTook(_ duration: Double) {
        #expect(Self.rate(Self.plan, 1000) { $0.duration = duration } == 100)
        var warm = Self.plan
        warm.warmUp = .milliseconds(2500)
        #expect(Self.rate(warm, 750) { $0.duration = duration } == 100)
    }

    @Test func aTimeWithoutAnyArrivalHasNoPartInTheirRate() {
        #expect(Self.rate(Self.staged([(.seconds(2), 0), (.zero, 10), (.seconds(1), 10)]), 10) == 10)
        #expect(Self.rate(Self.staged([(.seconds(2), 10), (.seconds(2), 0), (.seconds(6), 0)]), 20) == 5)
        #expect(Self.rate(Plan(cycles: []), 0) == nil)
        #expect(Self.rate(Plan(cycles: []), 5) == nil)
        var cold = Self.plan
        cold.warmUp = .seconds(10)
        #expect(Self.rate(cold, 0) == nil)
    }

    /// The duration says how long the last iteration took to end, not when the run was stopped.
    @Test func ofARunThatWasStoppedTheRateIsThatUntilTheStop() throws {
        for change in [{ (summary: inout Summary) in summary.interrupted = true }, { $0.crash = .lost("x") }] {
            #expect(Self.rate(Self.plan, 250, change) == 100)
            #expect(Self.rate(Self.plan, 1000, change) == 100, "stopped when all were due")
            #expect(Self.rate(Self.plan, 0, change) == nil, "stopped before the first one")
            // Five times t² in t seconds: 125 in 5 s.
            let ramp = try #require(Self.rate(Self.staged([(.seconds(10), 100)]), 125, change))
            #expect(abs(ramp - 25) < 0.001, "\(ramp)")
            var warm = Self.staged([(.seconds(10), 100)])
            warm.warmUp = .seconds(3)
            let cold = try #require(Self.rate(warm, 80, change))
            #expect(abs(cold - 40) < 0.001, "80 from 3 s to 5 s: \(cold)")
        }
        // Tests have ended all users: nobody has stopped it, and nothing comes after that.
        #expect(Self.rate(Self.plan, 250) == 100)
    }

    @Test func whatIsMissingOfAnAgentIsPlannedAllTheSame() {
        let lost = Self.rate(Self.plan, 250) {
            $0.agents = [AgentShare(id: "a", name: "alpha", users: 1)]
            $0.agents[0].state = .lost
        }
        #expect(lost == 100)
    }

    @Test func randomArrivalsHaveTheRateThatWasDrawn() {
        var random = Self.plan
        random.model = .arrivals(Arrivals(stages: random.arrivals?.stages ?? [], poisson: true))
        #expect(Self.rate(random, 1010) == 101)
        #expect(Self.rate(random, 990) == 99)
        #expect(Self.rate(random, 990) { $0.interrupted = true } == 100)
    }

    @Test func changesOnTheWayChangeTheirRate() {
        let changes = [UserChange(at: 4, rate: .perSecond(50)), UserChange(at: 8, rate: .perSecond(200))]
        #expect(Self.rate(Self.plan, 1000) { $0.changes = changes } == 100)
        #expect(Self.rate(Self.plan, 500) { ($0.changes, $0.interrupted) = (changes, true) } == 500.0 / 6)
        #expect(Self.rate(Self.plan, 400) { $0.changes = [UserChange(at: 4, rate: .zero)] } == 100)
    }
}

import Synchronization
import Testing

@testable import LoadsCore

/// Mixes of scenarios.
@Suite(.timeLimit(.minutes(5))) struct MixTests {
    private static func run(_ plan: Plan, _ names: [String]) async -> (counts: [String: Int], total: Statistics) {
        let counts = Mutex<[String: Int]>([:])
        let total = Mutex(Statistics())
        let scenarios = names.map { name in
            Scenario(name: name) { context in
                counts.withLock { $0[name, default: 0] += 1 }
                await context.wait(.milliseconds(1))
                return .ok
            }
        }
        let runner = ScenarioRunner(plan: plan, scenarios: scenarios) { batch in
            total.withLock { $0.merge(batch.statistics) }
        }
        _ = await runner.run()
        return (counts.withLock { $0 }, total.withLock { $0 })
    }

    @Test func partsHaveTheirOwnModelsAndScenarios() async {
        let parts = [
            MixPart(scenarios: ["a"], model: .arrivals(Arrivals(rate: .perSecond(100), for: .milliseconds(300)))),
            MixPart(
                scenarios: ["b"], start: .milliseconds(50),
                model: .cycles([Plan.Cycle(users: 3, amount: .iterations(4))])),
            MixPart(
                scenarios: ["c", "d"],
                model: .users(UserStages(stages: [UserStage(duration: .milliseconds(1000), users: 4)]))),
        ]
        let plan = Plan(model: .mix(parts))
        #expect(plan.validate() == [] && plan.length == nil && plan.peakUsers == 1000 + 3 + 4)
        let (counts, total) = await Self.run(plan, ["a", "b", "c", "d", "never"])
        #expect(counts["a"] == 30 && counts["b"] == 12 && counts["c"]! + counts["d"]! > 4 && counts["never"] == nil)
        #expect(total.arrivals == ArrivalCounts(planned: 30, started: 30, dropped: 0))
        #expect(total.iterations.ok == counts.values.reduce(0, +))
        // Each of them for itself.
        #expect(total.scenarios.mapValues(\.iterations.ok) == counts)
        #expect(total.scenarios["a"]?.arrivals == ArrivalCounts(planned: 30, started: 30, dropped: 0))
        #expect(total.scenarios["a"]?.response.count == 30 && total.scenarios["a"]?.service.count == 30)
        #expect(total.scenarios["b"]?.arrivals == ArrivalCounts() && total.scenarios["b"]?.response.isEmpty == true)
        #expect(total.scenarios.values.reduce(0) { $0 + $1.service.count } == total.service.count)
    }

    @Test func droppedArrivalsAreThoseOfTheirPart() async {
        func part(_ scenarios: [String], _ rate: Int, users: Int) -> MixPart {
            MixPart(
                scenarios: scenarios,
                model: .arrivals(
                    Arrivals(
                        rate: .perSecond(rate), for: .milliseconds(200), maxUsers: users, queue: users > 1 ? 100 : 0)))
        }
        var plan = Plan(
            model: .mix([part(["a"], 1000, users: 100), part(["b"], 500, users: 1), part(["c", "d"], 100, users: 50)]))
        plan.grace = .seconds(60)
        let gate = Atomic<Bool>(false)
        let scenarios = ["a", "b", "c", "d"].map { name in
            Scenario(name: name) { context in
                // Busy to the end of all arrivals.
                if name == "b" { await context.wait(.seconds(2)) }
                gate.store(true, ordering: .relaxed)
                return .ok
            }
        }
        let total = Mutex(Statistics())
        _ = await ScenarioRunner(plan: plan, scenarios: scenarios) { batch in
            total.withLock { $0.merge(batch.statistics) }
        }.run()
        let own = total.withLock { $0.scenarios }
        #expect(own["a"]?.arrivals == ArrivalCounts(planned: 200, started: 200, dropped: 0))
        #expect(own["b"]?.arrivals == ArrivalCounts(planned: 100, started: 1, dropped: 99))
        // Whose they would have been nobody knows.
        #expect(own["c, d"]?.arrivals == ArrivalCounts(planned: 20, started: 20, dropped: 0))
        #expect(own["c, d"]?.iterations == IterationCounts())
        #expect((own["c"]?.iterations.ok ?? 0) + (own["d"]?.iterations.ok ?? 0) == 20)
    }

    @Test func poissonPartsDoNotComeAtTheSameTimes() async {
        var arrivals = Arrivals(rate: .perSecond(1000), for: .milliseconds(300), maxUsers: 20)
        arrivals.poisson = true
        var plan = Plan(model: .mix(["a", "b", "c"].map { MixPart(scenarios: [$0], model: .arrivals(arrivals)) }))
        plan.loops = 1
        func planned(_ seed: Int) async -> [Int?] {
            plan.seed = seed
            let (_, total) = await Self.run(plan, ["a", "b", "c"])
            return ["a", "b", "c"].map { total.scenarios[$0]?.arrivals.planned }
        }
        let (one, again, other) = (await planned(1), await planned(1), await planned(2))
        #expect(Set(one).count > 1 && one == again && one != other, "\(one), \(again), \(other)")
    }

    @Test func aUserThatComesBackDrawsOtherScenarios() async {
        func drawn(_ seed: Int) async -> [Int] {
            var plan = Plan(cycles: [1, 1].map { Plan.Cycle(users: $0, amount: .iterations(40)) })
            plan.seed = seed
            let log = Log<Int>()
            let bodies: [Outcome.Body] = [0, 1].map { number in
                { _ in
                    log.add(number)
                    return .ok
                }
            }
            _ = await Outcome.of(plan, bodies[0], bodies[1])
            return log.entries
        }
        let (one, again, other) = (await drawn(5), await drawn(5), await drawn(6))
        #expect(one.count == 80 && one.prefix(40) != one.suffix(40))
        // The seed decides.
        #expect(one == again && one != other)
    }

    @Test func oneScenarioIsNotCountedTwice() async {
        let outcome = await Outcome.of(Plan(users: 2, iterations: 3)) { _ in .ok }
        #expect(outcome.total.scenarios.isEmpty && outcome.total.iterations.ok == 6)
    }

    @Test func weightsSayHowOftenAScenarioIsDrawn() async {
        var plan = Plan(users: 10, iterations: 400)
        plan.weights = ["a": 3]
        let (counts, _) = await Self.run(plan, ["a", "b"])
        // 3,000 of 4,000, with a standard deviation of 27.
        #expect(abs(counts["a"]! - 3000) < 250 && counts["a"]! + counts["b"]! == 4000)
    }

    @Test func theSeedOfTheRunSaysWhichScenariosAreDrawn() async {
        func counts(_ seed: Int) async -> Int? {
            var plan = Plan(users: 3, iterations: 50)
            plan.seed = seed
            return await Self.run(plan, ["a", "b"]).0["a"]
        }
        var drawn: [Int?] = []
        for seed in 1...6 {
            let count = await counts(seed)
            #expect(await counts(seed) == count)
            drawn.append(count)
        }
        #expect(Set(drawn).count > 1)
    }

    @Test func usersOfPartsHaveNumbersOfTheirOwn() {
        var plan = Plan(
            model: .mix([
                MixPart(scenarios: ["a"], model: .cycles([Plan.Cycle(users: 5, amount: .iterations(1))])),
                MixPart(
                    scenarios: ["b"], model: .users(UserStages(stages: [UserStage(duration: .seconds(1), users: 4)]))),
                MixPart(scenarios: ["c"], model: .cycles([Plan.Cycle(users: 2, amount: .iterations(1))])),
            ]))
        plan.firstUser = 100
        #expect(plan.parts.map(\.plan.firstUser) == [100, 105, 109] && plan.userNumbers == 11)
    }
}

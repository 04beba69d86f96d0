import Glibc
import LoadsEventLoop
import Synchronization
import Testing

@testable import LoadsCore

/// Runs of open models.
@Suite(.timeLimit(.minutes(1))) struct ArrivalTests {
    private static func plan(_ rate: Int, _ milliseconds: Int, users: Int, queue: Int = 1000, loops: Int = 2) -> Plan {
        let arrivals = Arrivals(
            rate: .perSecond(rate), for: .milliseconds(milliseconds), maxUsers: users, queue: queue)
        var plan = Plan(arrivals: arrivals)
        plan.loops = loops
        return plan
    }

    @Test(arguments: [1, 2, 3]) func everyArrivalBecomesAnIteration(_ loops: Int) async {
        let outcome = await Outcome.of(Self.plan(1000, 500, users: 50, loops: loops)) { _ in .ok }
        let total = outcome.total
        #expect(total.arrivals == ArrivalCounts(planned: 500, started: 500, dropped: 0))
        #expect(total.iterations.ok == 500 && !outcome.ending.interrupted)
        #expect(total.response.count == 500 && total.service.count == 500 && total.scheduleLag.count == 500)
    }

    @Test func agentsStripesAddUpToThePlan() async {
        var started = 0
        for stripe in Stripe.whole.divided(by: [1, 2, 4]) {
            var plan = Self.plan(1000, 200, users: 10)
            var arrivals = plan.arrivals!
            arrivals.stripe = stripe
            plan.model = .arrivals(arrivals)
            let outcome = await Outcome.of(plan) { _ in .ok }
            #expect(outcome.total.arrivals.started == stripe.count(below: 200))
            started += outcome.total.arrivals.started
        }
        #expect(started == 200)
    }

    @Test func aFewUsersOnManyLoopsServeAllArrivals() async {
        // Loops without a user of their own pass their arrivals on.
        let outcome = await Outcome.of(Self.plan(200, 300, users: 1, loops: 4)) { _ in .ok }
        #expect(outcome.total.arrivals == ArrivalCounts(planned: 60, started: 60, dropped: 0))
    }

    @Test func busyUsersMakeArrivalsWaitAndThenDropThem() async {
        // All arrivals are due before the users' first iterations end.
        let gate = Atomic<Bool>(false)
        let started = Atomic<Int>(0)
        var plan = Self.plan(1000, 100, users: 4, queue: 10, loops: 1)
        plan.grace = .seconds(60)
        let outcome = await Outcome.of(plan) { context in
            started.add(1, ordering: .relaxed)
            if context.user.number < 4, context.number == 0 {
                await context.wait(.milliseconds(400))
                gate.store(true, ordering: .relaxed)
            }
            return .ok
        }
        let total = outcome.total
        #expect(total.arrivals == ArrivalCounts(planned: 100, started: 14, dropped: 86))
        #expect(total.iterations.ok == 14)
        // Ten of them waited for a user: that is in their response, and not the generator's lag.
        #expect(total.response.percentile(0.5)! > total.service.percentile(0.5)! + 200_000_000)
        #expect(gate.load(ordering: .relaxed) && started.load(ordering: .relaxed) == 14)
    }

    @Test func withoutAQueueArrivalsThatFindNoUserAreDropped() async {
        var plan = Self.plan(1000, 100, users: 3, queue: 0, loops: 1)
        plan.grace = .seconds(60)
        let outcome = await Outcome.of(plan) { context in
            await context.wait(.milliseconds(400))
            return .ok
        }
        #expect(outcome.total.arrivals == ArrivalCounts(planned: 100, started: 3, dropped: 97))
    }

    @Test func usersAreMadeAsTheyAreNeeded() async {
        let users = Mutex<Set<Int>>([])
        var plan = Self.plan(500, 400, users: 1000)
        plan.firstUser = 70
        let outcome = await Outcome.of(plan) { context in
            users.withLock { _ = $0.insert(context.user.number) }
            await context.wait(.milliseconds(200))
            return .ok
        }
        #expect(outcome.total.arrivals.started == 200)
        let numbers = users.withLock { $0 }
        #expect(numbers.count >= 90 && numbers.count < 300 && numbers.allSatisfy { (70..<1070).contains($0) })
    }

    @Test func aStopDropsWhatWaitsAndEndsTheRest() async {
        let started = Atomic<Int>(0)
        var plan = Self.plan(500, 600_000, users: 2, queue: 100_000)
        plan.grace = .seconds(60)
        let outcome = await Outcome.of(plan, stopOnce: started.load(ordering: .relaxed) > 5) { context in
            started.add(1, ordering: .relaxed)
            await context.wait(.milliseconds(50))
            return .ok
        }
        let arrivals = outcome.total.arrivals
        #expect(outcome.ending.interrupted && arrivals.dropped > 0)
        #expect(arrivals.planned == arrivals.started + arrivals.dropped)
        #expect(outcome.total.iterations.ok == arrivals.started && outcome.iterations.interrupted == 0)
    }

    @Test func anAbortInterruptsTheRunningOnes() async {
        let started = Atomic<Int>(0)
        let plan = Self.plan(500, 600_000, users: 3)
        let outcome = await Outcome.of(plan, abort: true, stopOnce: started.load(ordering: .relaxed) == 3) { context in
            started.add(1, ordering: .relaxed)
            await context.wait(.seconds(1000))
            return .ok
        }
        let total = outcome.total
        #expect(total.iterations.interrupted == 3 && total.iterations.ended == 3)
        #expect(total.arrivals.planned == 3 + total.arrivals.dropped && total.arrivals.started == 3)
    }

    @Test func theGraceEndsWhatIsStillThere() async {
        var plan = Self.plan(100, 100, users: 2)
        plan.grace = .milliseconds(50)
        let outcome = await Outcome.of(plan) { context in
            await context.wait(.seconds(1000))
            return .ok
        }
        let total = outcome.total
        #expect(total.arrivals == ArrivalCounts(planned: 10, started: 2, dropped: 8))
        #expect(total.iterations.interrupted == 2 && !outcome.ending.interrupted)
    }

    @Test func iterationsThatIgnoreTheirEndAreLeftBehind() async {
        var plan = Self.plan(100, 100, users: 2)
        plan.grace = .milliseconds(50)
        let over = Atomic<Bool>(false)
        let outcome = await Outcome.of(plan, patience: .milliseconds(50)) { _ in
            while !over.load(ordering: .relaxed) { await Task.yield() }
            return .ok
        }
        over.store(true, ordering: .relaxed)
        #expect(outcome.ending.leftBehind == 2)
        #expect(outcome.total.arrivals == ArrivalCounts(planned: 10, started: 2, dropped: 8))
    }

    @Test func threadsOfTheirOwnServeArrivalsToo() async {
        var plan = Self.plan(500, 200, users: 8)
        plan.threads = true
        let outcome = await Outcome.of(plan) { _ in
            usleep(2000)
            return .ok
        }
        #expect(outcome.total.arrivals == ArrivalCounts(planned: 100, started: 100, dropped: 0))
        #expect(outcome.total.service.min >= 2_000_000)
    }

    @Test func warmUpIsCountedApart() async throws {
        var plan = Self.plan(1000, 300, users: 20)
        plan.warmUp = .milliseconds(100)
        let outcome = await Outcome.of(plan) { context in
            let hit = Hit(start: .now, name: "h", method: "GET", url: "u", status: 200, latency: 1, failed: false)
            context.user.record(hit, iteration: context.number)
            return .ok
        }
        let total = outcome.total
        let warmUp = try #require(total.warmUp)
        #expect(warmUp.arrivals == ArrivalCounts(planned: 100, started: 100, dropped: 0))
        #expect(total.arrivals == ArrivalCounts(planned: 200, started: 200, dropped: 0))
        #expect(warmUp.iterations.ok == 100 && total.iterations.ok == 200 && total.allIterations.ok == 300)
        #expect(warmUp.hitCount == 100 && total.hitCount == 200 && total.allHitCount == 300)
        #expect(warmUp.response.count == 100 && total.response.count == 200)
    }

    @Test func warmUpOfClosedModelsGoesByTheStart() async throws {
        var plan = Plan(users: 2, duration: .milliseconds(600))
        plan.warmUp = .milliseconds(100)
        let outcome = await Outcome.of(plan) { context in
            await context.wait(.milliseconds(5))
            return .ok
        }
        let warmUp = try #require(outcome.total.warmUp)
        #expect(warmUp.iterations.ok > 0 && outcome.total.iterations.ok > 0)
        #expect(warmUp.iterations.started == warmUp.iterations.ended && outcome.total.response.isEmpty)
    }

    @Test func poissonArrivalsAreTheSameForTheSameSeed() async {
        func planned(_ seed: Int) async -> Int {
            var plan = Self.plan(2000, 300, users: 50)
            var arrivals = plan.arrivals!
            arrivals.poisson = true
            arrivals.seed = seed
            plan.model = .arrivals(arrivals)
            let outcome = await Outcome.of(plan) { _ in .ok }
            #expect(outcome.total.arrivals.planned == outcome.total.arrivals.started)
            return outcome.total.arrivals.planned
        }
        let (one, again, other) = await (planned(1), planned(1), planned(2))
        // 600 on average, with a standard deviation of 24.
        #expect(one == again && one != other && (450..<750).contains(one) && (450..<750).contains(other))
    }

    @Test func aChangedRateCountsFromItsTime() async {
        let plan = Self.plan(100, 600, users: 20)
        var changed = plan.arrivals!
        changed.stages = [
            RateStage(duration: .zero, rate: .perSecond(100)),
            RateStage(duration: .milliseconds(300), rate: .perSecond(100)),
            RateStage(duration: .zero, rate: .perSecond(1000)),
            RateStage(duration: .milliseconds(300), rate: .perSecond(1000)),
        ]
        let runner = Mutex<ScenarioRunner?>(nil)
        let total = Mutex(Statistics())
        let made = ScenarioRunner(plan: plan, scenarios: [Scenario(name: "s") { _ in .ok }]) { batch in
            total.withLock { $0.merge(batch.statistics) }
        }
        runner.withLock { $0 = made }
        made.change(to: .arrivals(changed), firstNewUser: 100, from: 300_000_000)
        _ = await made.run()
        #expect(total.withLock { $0.arrivals } == ArrivalCounts(planned: 330, started: 330, dropped: 0))
    }
}

@Suite struct ArrivalCursorTests {
    private static func arrivals(_ rate: Int, _ seconds: Int, _ stripe: Stripe = .whole) -> Arrivals {
        var arrivals = Arrivals(rate: .perSecond(rate), for: .seconds(seconds), maxUsers: 1)
        arrivals.stripe = stripe
        return arrivals
    }

    private static func all(_ cursor: inout ArrivalCursor, until end: Int64 = .max) -> [Int64] {
        var times: [Int64] = []
        while let due = cursor.due, due < end {
            times.append(due)
            cursor.advance()
        }
        return times
    }

    @Test func stripesTogetherAreThePlan() {
        var times: [Int64] = []
        for stripe in Stripe.whole.divided(by: [3, 1, 2]) {
            var cursor = ArrivalCursor(Self.arrivals(100, 3, stripe), salt: 0)
            times += Self.all(&cursor)
        }
        #expect(times.sorted() == (0..<300).map { $0 * 10_000_000 })
    }

    /// Whatever was taken when the change is heard of, every arrival of both plans comes once.
    @Test(arguments: [0, 400_000_000, 999_000_000, 1_000_000_000, 1_300_000_000] as [Int64], [100, 730, 10])
    func aChangeLosesNothingAndDoublesNothing(_ heard: Int64, rate: Int) {
        let changed = [
            RateStage(duration: .zero, rate: .perSecond(100)), RateStage(duration: .seconds(1), rate: .perSecond(100)),
            RateStage(duration: .zero, rate: .perSecond(rate)),
            RateStage(duration: .seconds(2), rate: .perSecond(rate)),
        ]
        var times: [Int64] = []
        for stripe in Stripe.whole.divided(into: 3) {
            var cursor = ArrivalCursor(Self.arrivals(100, 3, stripe), salt: 0)
            times += Self.all(&cursor, until: heard)
            var arrivals = Self.arrivals(100, 3, stripe)
            arrivals.stages = changed
            cursor.change(to: arrivals, from: 1_000_000_000)
            times += Self.all(&cursor)
        }
        if heard <= 1_000_000_000 {
            #expect(times.sorted() == (0..<Schedule(changed).total).map { Schedule(changed).time(of: $0)! })
        } else {
            #expect(times.count == max(Schedule(changed).total, 130))
        }
    }

    @Test(arguments: [0, 990_000_000, 1_000_000_000] as [Int64]) func aLostAgentsShareIsTakenOver(_ heard: Int64) {
        let stripes = Stripe.whole.divided(into: 3)
        let parts = stripes[2].divided(into: 2)
        var lost = ArrivalCursor(Self.arrivals(100, 3, stripes[2]), salt: 0)
        var times = Self.all(&lost, until: 1_000_000_000)
        for index in 0..<2 {
            var cursor = ArrivalCursor(Self.arrivals(100, 3, stripes[index]), salt: 0)
            times += Self.all(&cursor, until: heard)
            cursor.change(to: Self.arrivals(100, 3, stripes[index].joined(with: parts[index])), from: 1_000_000_000)
            times += Self.all(&cursor)
        }
        #expect(times.sorted() == (0..<300).map { $0 * 10_000_000 })
    }

    @Test func poissonSharesAddUpToTheRate() {
        var count = 0
        for (index, stripe) in Stripe.whole.divided(by: [1, 2]).enumerated() {
            var arrivals = Self.arrivals(1000, 30, stripe)
            arrivals.poisson = true
            arrivals.seed = 7 + index
            var cursor = ArrivalCursor(arrivals, salt: 0)
            let times = Self.all(&cursor)
            // A third and two thirds of 30,000; six standard deviations.
            #expect(abs(times.count - 10_000 * (index + 1)) < 850)
            // Exponential gaps: their mean square is twice the square of their mean.
            let gaps = zip(times.dropFirst(), times).map { Double($0 - $1) }
            let mean = gaps.reduce(0, +) / Double(gaps.count)
            let square = gaps.reduce(0) { $0 + $1 * $1 } / Double(gaps.count)
            #expect(abs(square / (mean * mean) - 2) < 0.25)
            count += times.count
        }
        #expect(abs(count - 30_000) < 1100)
    }
}

/// Mixes of scenarios.
@Suite(.timeLimit(.minutes(1))) struct MixTests {
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
                model: .users(UserStages(stages: [UserStage(duration: .milliseconds(200), users: 4)]))),
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
                if name == "b" { await context.wait(.milliseconds(600)) }
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

import Glibc
import LoadsEventLoop
import Synchronization
import Testing

@testable import LoadsCore

/// Runs of open models.
@Suite(.timeLimit(.minutes(5))) struct ArrivalTests {
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

    @Test func aStopCancelsWhatWaitsAndEndsTheRest() async {
        let started = Atomic<Int>(0)
        var plan = Self.plan(500, 600_000, users: 2, queue: 100_000)
        plan.grace = .seconds(60)
        let outcome = await Outcome.of(plan, stopOnce: started.load(ordering: .relaxed) > 5) { context in
            started.add(1, ordering: .relaxed)
            await context.wait(.milliseconds(50))
            return .ok
        }
        let arrivals = outcome.total.arrivals
        #expect(outcome.ending.interrupted && arrivals.cancelled > 0 && arrivals.dropped == 0)
        #expect(arrivals.planned == arrivals.started + arrivals.cancelled)
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
        #expect(total.arrivals.planned == 3 + total.arrivals.cancelled && total.arrivals.started == 3)
    }

    @Test func theGraceEndsWhatIsStillThere() async {
        var plan = Self.plan(100, 100, users: 2)
        plan.grace = .seconds(1)
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
        plan.grace = .seconds(1)
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
        var plan = Plan(users: 2, duration: .milliseconds(2000))
        plan.warmUp = .milliseconds(1000)
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

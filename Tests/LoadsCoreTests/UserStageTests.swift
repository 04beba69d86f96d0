import LoadsEventLoop
import Synchronization
import Testing

@testable import LoadsCore

@Suite(.timeLimit(.minutes(5))) struct UserStageTests {
    private static func stages(_ list: (Int, Int)...) -> UserStages {
        UserStages(stages: list.map { UserStage(duration: .milliseconds($0.0), users: $0.1) })
    }

    @Test func usersComeAndGoEvenly() {
        let line = UserTimeline(Self.stages((1000, 10), (1000, 10), (1000, 0)))
        #expect(
            [0, 99, 100, 899, 900, 1500, 2000, 2099, 2100, 2999].map { line.count(at: $0 * 1_000_000) }
                == [1, 1, 2, 9, 10, 10, 10, 10, 9, 1])
        #expect(line.count(at: 3_000_000_000) == 0 && line.count(at: -1) == 0 && line.length == 3_000_000_000)
    }

    @Test func jumpsAreAtOnce() {
        let line = UserTimeline(Self.stages((0, 5), (100, 5), (0, 50), (100, 50), (0, 5), (100, 5)))
        #expect([0, 99, 100, 199, 200, 299].map { line.count(at: $0 * 1_000_000) } == [5, 5, 50, 50, 5, 5])
    }

    @Test(arguments: 0..<20) func whatHappensNextIsWhatTheCountSays(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        let stages = (0..<4).map { _ in
            UserStage(duration: .microseconds(random.index(below: 2000)), users: random.index(below: 40))
        }
        let stripes = Stripe.whole.divided(by: [1, 2, 1])
        let whole = UserTimeline(UserStages(stages: stages))
        for stripe in stripes {
            let line = UserTimeline(UserStages(stages: stages, stripe: stripe))
            var time: Int64 = 0
            var count = stripe.count(below: line.count(at: 0))
            while let next = line.next(after: time) {
                #expect(next > time)
                // Nothing of the stripe changes in between.
                #expect(stripe.count(below: line.count(at: next - 1)) == count)
                count = stripe.count(below: line.count(at: next))
                time = next
            }
            #expect(time == line.length && whole.count(at: line.length / 2) == line.count(at: line.length / 2))
        }
    }

    @Test func aRunHasTheUsersOfItsStages() async {
        let seen = Mutex<Set<Int>>([])
        var plan = Plan(model: .users(Self.stages((200, 8), (1600, 8), (200, 0))))
        plan.loops = 2
        let outcome = await Outcome.of(plan) { context in
            seen.withLock { _ = $0.insert(context.user.number) }
            await context.wait(.milliseconds(5))
            return .ok
        }
        #expect(seen.withLock { $0 } == Set(0..<8))
        #expect(outcome.batches.map(\.statistics.users).max() == 8 && outcome.batches.last?.statistics.users == 0)
        #expect(outcome.total.iterations.started == outcome.total.iterations.ok && !outcome.ending.interrupted)
        #expect(outcome.batches.last!.to >= 2)
    }

    @Test func usersComeBackInALaterStage() async {
        let iterations = Mutex<[Int: Int]>([:])
        let plan = Plan(model: .users(Self.stages((0, 3), (400, 3), (0, 0), (100, 0), (0, 3), (400, 3))))
        let outcome = await Outcome.of(plan) { context in
            iterations.withLock { $0[context.user.number] = context.number }
            await context.wait(.milliseconds(2))
            return .ok
        }
        #expect(Set(iterations.withLock { $0.keys }) == [0, 1, 2])
        #expect(outcome.total.iterations.ok > 6)
    }

    @Test func aStopEndsStages() async {
        let started = Atomic<Int>(0)
        let plan = Plan(model: .users(Self.stages((0, 3), (600_000, 3))))
        let outcome = await Outcome.of(plan, stopOnce: started.load(ordering: .relaxed) > 10) { context in
            started.add(1, ordering: .relaxed)
            await context.wait(.milliseconds(2))
            return .ok
        }
        #expect(outcome.ending.interrupted && outcome.total.iterations.ok == outcome.total.iterations.started)
    }

    @Test func aChangeAddsUsers() async {
        let plan = Plan(model: .users(Self.stages((0, 2), (2000, 2))))
        let most = Atomic<Int>(0)
        let runner = ScenarioRunner(
            plan: plan,
            scenarios: [
                Scenario(name: "s") { context in
                    await context.wait(.milliseconds(2))
                    return .ok
                }
            ]
        ) { batch in most.max(batch.statistics.users, ordering: .relaxed) }
        runner.change(to: .users(Self.stages((0, 2), (200, 2), (0, 6), (1800, 6))), firstNewUser: 2, from: 200_000_000)
        _ = await runner.run()
        #expect(most.load(ordering: .relaxed) == 6)
    }
}

@Suite struct ThinkTimeTests {
    @Test(arguments: ["1s", "0s", "uniform(1s,3s)", "normal(2s,500ms)", "exponential(1.5s)"])
    func readsAndWrites(_ text: String) throws { #expect(try ThinkTime.parse(text).text == text) }

    @Test(arguments: [
        "", "x", "uniform(1s)", "uniform(3s,1s)", "normal(1s,2s", "poisson(1s)", "exponential(1s,2s)", "uniform(a,b)",
    ])
    func refuses(_ text: String) { #expect(throws: InvalidThinkTime.self) { try ThinkTime.parse(text) } }

    @Test(arguments: [
        (ThinkTime.uniform(.seconds(1), .seconds(3)), 2.0, 0.577),
        (.normal(mean: .seconds(2), deviation: .milliseconds(500)), 2.0, 0.5),
        (.exponential(mean: .seconds(2)), 2.0, 2.0), (.constant(.seconds(2)), 2.0, 0.0),
    ])
    func drawsFromItsDistribution(_ time: ThinkTime, mean: Double, deviation: Double) {
        var random = SplitMix(seed: 3)
        let draws = (0..<100_000).map { _ in Double(time.draw(&random)) / 1e9 }
        let average = draws.reduce(0, +) / 1e5
        let variance = draws.reduce(0) { $0 + ($1 - average) * ($1 - average) } / 1e5
        #expect(abs(average - mean) < 0.05 && abs(variance.squareRoot() - deviation) < 0.05)
        #expect(time.mean == .seconds(2) && draws.allSatisfy { $0 >= 0 })
    }
}

import Glibc
import LoadsCore
import LoadsEventLoop
import Synchronization
import Testing

@Suite struct ScenarioRunnerTests {
    @Test func runsExactlyUsersTimesIterations() async {
        let ran = Atomic<Int>(0)
        let total = Mutex(Statistics())
        let scenario = Scenario(name: "s") { context in
            ran.add(1, ordering: .relaxed)
            try? await context.user.loop.sleep(for: .milliseconds(1))
            if context.number == 3 { context.fail(at: "here:1", message: "third") }
            return .ok
        }
        let runner = ScenarioRunner(
            plan: Plan(cycles: [.init(users: 10, amount: .iterations(10))]), scenarios: [scenario]
        ) {
            batch in total.withLock { $0.merge(batch.statistics) }
        }
        let ending = await runner.run()
        #expect(!ending.interrupted)
        #expect(ran.load(ordering: .relaxed) == 100)
        let counts = total.withLock { $0.iterations }
        #expect(counts.started == 100 && counts.ok == 90 && counts.failed == 10)
        #expect(total.withLock { $0.service.count } == 100)
        #expect(total.withLock { $0.failures["here:1"]?.count } == 10)
    }

    @Test func stopGivesGraceThenCancels() async {
        let total = Mutex(Statistics())
        let scenario = Scenario(name: "s") { context in
            try? await context.user.loop.sleep(for: .seconds(100))
            return .ok
        }
        var plan = Plan(cycles: [.init(users: 4, amount: .iterations(10))])
        plan.grace = .milliseconds(50)
        let runner = ScenarioRunner(plan: plan, scenarios: [scenario]) { batch in
            total.withLock { $0.merge(batch.statistics) }
        }
        async let ending = runner.run()
        try? await Task.sleep(for: .milliseconds(100))
        runner.stop()
        #expect(await ending.interrupted)
        #expect(total.withLock { $0.iterations.interrupted } == 4)
    }

    @Test func threadsLetBodiesBlock() async {
        let total = Mutex(Statistics())
        let scenario = Scenario(name: "s") { _ in
            block()
            return .ok
        }
        var plan = Plan(cycles: [.init(users: 20, amount: .iterations(2))])
        plan.threads = true
        let runner = ScenarioRunner(plan: plan, scenarios: [scenario]) { batch in
            total.withLock { $0.merge(batch.statistics) }
        }
        _ = await runner.run()
        #expect(total.withLock { $0.iterations.ok } == 40)
    }
}

private func block() { usleep(5000) }

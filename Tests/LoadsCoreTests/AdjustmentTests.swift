import LoadsEventLoop
import Synchronization
import Testing

@testable import LoadsCore

/// Runs whose users change while they run.
@Suite(.timeLimit(.minutes(5))) struct AdjustmentTests {
    /// Runs a plan; a closure is called for each batch.
    private static func run(
        _ plan: Plan, _ body: @escaping Outcome.Body, _ meanwhile: @escaping @Sendable (ScenarioRunner, Batch) -> Void
    ) async -> (ending: RunEnding, total: Statistics, batches: [Batch]) {
        let batches = Log<Batch>()
        let box = Mutex<ScenarioRunner?>(nil)
        let runner = ScenarioRunner(plan: plan, scenarios: [Scenario(name: "s", body: body)]) { batch in
            batches.add(batch)
            if let runner = box.withLock({ $0 }) { meanwhile(runner, batch) }
        }
        box.withLock { $0 = runner }
        let ending = await runner.run()
        box.withLock { $0 = nil }
        return (
            ending, batches.entries.reduce(into: Statistics()) { $0.merge($1.statistics) }, batches.entries
        )
    }

    @Test func addedUsersDoTheCyclesIterations() async {
        let ran = Log<[Int]>()
        let asked = Mutex(false)
        let gate = Atomic<Bool>(false)
        let outcome = await Self.run(Plan(users: 2, iterations: 3)) { context in
            ran.add([context.user.number, context.number])
            // Nobody is done before the others have come.
            while !gate.load(ordering: .relaxed) { await context.wait(.milliseconds(1)) }
            return .ok
        } _: { runner, batch in
            let first = asked.withLock { asked in
                defer { asked = true }
                return !asked
            }
            if first { runner.adjust(to: 5, firstNewUser: 40, at: .now) }
            if batch.statistics.users == 5 { gate.store(true, ordering: .relaxed) }
        }
        #expect(!outcome.ending.interrupted && outcome.total.iterations.ok == 15)
        let numbers = Dictionary(grouping: ran.entries) { $0[0] }.mapValues { $0.map { $0[1] } }
        #expect(numbers == [0: [0, 1, 2], 1: [0, 1, 2], 40: [0, 1, 2], 41: [0, 1, 2], 42: [0, 1, 2]])
        #expect(outcome.batches.contains { $0.statistics.users == 5 } && outcome.batches.last?.statistics.users == 0)
    }

    @Test func surplusUsersEndAfterTheirIterationAndTheHighestNumbersGo() async {
        let ended = Log<Int>()
        let left = Mutex<Int?>(nil)
        let asked = Mutex(false)
        let outcome = await Self.run(Plan(users: 6, duration: .seconds(1000))) { context in
            await context.wait(.milliseconds(3))
            ended.add(context.user.number)
            return .ok
        } _: { runner, batch in
            let first = asked.withLock { asked in
                defer { asked = true }
                return !asked
            }
            if first { runner.adjust(to: 2, firstNewUser: 100, at: .now) }
            // The others may have left just now: four iterations more are of those who are here.
            guard batch.statistics.users == 2 else { return }
            let count = ended.entries.count
            let before = left.withLock { left in
                left = left ?? count
                return left!
            }
            if count >= before + 4 { runner.stop() }
        }
        #expect(outcome.total.iterations.interrupted == 0)
        #expect(outcome.total.iterations.ok == ended.entries.count, "nobody is cut off")
        #expect(Set(ended.entries.suffix(4)).isSubset(of: [0, 1]))
    }

    @Test func whoThinksOrWaitsForTheRampIsWokenToLeave() async {
        var plan = Plan(users: 4, iterations: 2)
        plan.think = .seconds(1000)
        plan.rampUp = .seconds(1000)
        let ran = Log<Int>()
        let outcome = await Self.run(plan) { context in
            ran.add(context.user.number)
            return .ok
        } _: { runner, _ in
            if !ran.entries.isEmpty { runner.adjust(to: 0, firstNewUser: 100, at: .now) }
        }
        #expect(!outcome.ending.interrupted && ran.entries == [0])
    }

    @Test func aTimeWithoutUsersGoesOnAndCanHaveSomeAgain() async {
        let ran = Log<Int>()
        let step = Mutex(0)
        let outcome = await Self.run(Plan(users: 2, duration: .seconds(1000))) { context in
            ran.add(context.user.number)
            await context.wait(.milliseconds(2))
            return .ok
        } _: { runner, batch in
            let now = step.withLock { step in
                switch (step, batch.statistics.users) {
                case (0, _): step = 1
                case (1, 0): step = 2
                case (2, 3): step = 3
                default: return 0
                }
                return step
            }
            switch now {
            case 1: runner.adjust(to: 0, firstNewUser: 2, at: .now)
            case 2: runner.adjust(to: 3, firstNewUser: 2, at: .now)
            case 3: runner.stop()
            default: break
            }
        }
        #expect(step.withLock { $0 } == 3)
        #expect(Set(ran.entries) == [0, 1, 2, 3, 4])
        #expect(outcome.total.iterations.ok == outcome.total.iterations.started)
    }

    @Test func theNextCycleBeginsWithThePlansUsers() async {
        let ran = Log<[Int]>()
        let asked = Mutex(false)
        let told = Atomic<Bool>(false)
        let plan = Plan(cycles: [.init(users: 3, amount: .iterations(1000)), .init(users: 3, amount: .iterations(1))])
        _ = await Self.run(plan) { context in
            ran.add([context.user.number, context.number])
            // Nobody is done before the change.
            while !told.load(ordering: .relaxed) { await context.wait(.milliseconds(1)) }
            await context.wait(.milliseconds(1))
            return .ok
        } _: { runner, _ in
            let first = asked.withLock { asked in
                defer { asked = true }
                return !asked
            }
            if first { runner.adjust(to: 1, firstNewUser: 3, at: .now) }
            told.store(true, ordering: .relaxed)
        }
        let counts = Dictionary(grouping: ran.entries) { $0[0] }.mapValues(\.count)
        #expect(counts[0] == 1001 && counts[1]! < 1001 && counts[2]! < 1001)
        #expect(Set(ran.entries.suffix(3).map { $0[0] }) == [0, 1, 2])
    }

    @Test func anAdjustmentBeforeTheStartWaitsForIt() async {
        let ran = Log<Int>()
        let missed = Atomic<Int>(0)
        let runner = ScenarioRunner(
            plan: Plan(users: 1, iterations: 1),
            scenarios: [
                Scenario(name: "s") { context in
                    ran.add(context.user.number)
                    // Nobody is done before the other has come.
                    while Set(ran.entries).count < 2 { await context.wait(.milliseconds(1)) }
                    return .ok
                }
            ], onBatch: { _ in })
        runner.adjust(to: 2, firstNewUser: 7, at: .now) { missed.add(1, ordering: .relaxed) }
        _ = await runner.run()
        #expect(Set(ran.entries) == [0, 7] && missed.load(ordering: .relaxed) == 0)
    }

    @Test func theLastWordCountsWhateverWasToTakeEffectAfterIt() async {
        let asked = Mutex<Instant?>(nil)
        let users = Mutex<[Int]>([])
        _ = await Self.run(Plan(users: 1, duration: .seconds(1000))) { context in
            await context.wait(.milliseconds(3))
            return .ok
        } _: { runner, batch in
            let now = Instant.now
            let (start, first) = asked.withLock { asked in
                defer { asked = asked ?? now }
                return (asked ?? now, asked == nil)
            }
            if first {
                runner.adjust(to: 5, firstNewUser: 1, at: start.advanced(by: .milliseconds(700)))
                runner.adjust(to: 3, firstNewUser: 6, at: start.advanced(by: .milliseconds(600)))
            }
            let seen = users.withLock { users in
                users.append(batch.statistics.users)
                return users
            }
            // Some batches after both: also where they come late.
            let end = start.advanced(by: .seconds(seen.contains(3) ? 2 : 30))
            if now >= end { runner.stop() }
        }
        #expect(users.withLock { $0.contains(3) && !$0.contains(5) })
    }

    @Test func anAdjustmentAfterTheEndIsMissed() async {
        let missed = Atomic<Int>(0)
        let runner = ScenarioRunner(
            plan: Plan(users: 1, iterations: 1), scenarios: [Scenario(name: "s") { _ in .ok }], onBatch: { _ in })
        _ = await runner.run()
        runner.adjust(to: 2, firstNewUser: 1, at: .now) { missed.add(1, ordering: .relaxed) }
        #expect(missed.load(ordering: .relaxed) == 1)
    }

    @Test func rawHitsCanBeSwitchedOnAndOff() async {
        let step = Mutex((switches: 0, afterOff: 0))
        let outcome = await Self.run(Plan(users: 2, duration: .seconds(1000))) { context in
            await context.wait(.milliseconds(1))
            context.user.record(.sample(), iteration: context.number)
            return .ok
        } _: { runner, batch in
            let switches = step.withLock { step in
                switch step.switches {
                case 0: step.switches = 1
                case 1 where !batch.hits.isEmpty: step.switches = 2
                case 2 where batch.hits.isEmpty: step.switches = 3
                default: return 0
                }
                return step.switches
            }
            switch switches {
            case 1: runner.setRawHits(true)
            case 2: runner.setRawHits(false)
            case 3: runner.stop()
            default: break
            }
        }
        #expect(step.withLock { $0.switches } == 3)
        let raw = outcome.batches.reduce(0) { $0 + $1.hits.count }
        #expect(raw > 0 && raw < outcome.total.hitCount)
        #expect(outcome.batches.first?.hits.isEmpty == true)
    }
}

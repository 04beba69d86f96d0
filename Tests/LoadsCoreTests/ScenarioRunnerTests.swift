import Glibc
import LoadsEventLoop
import Synchronization
import Testing

@testable import LoadsCore

@Suite(.timeLimit(.minutes(5))) struct ScenarioRunnerTests {
    @Test(arguments: [(10, 10), (1, 1), (7, 3), (1, 500), (200, 1)])
    func runsExactlyUsersTimesIterations(users: Int, iterations: Int) async {
        let ran = Log<[Int]>()
        let outcome = await Outcome.of(Plan(users: users, iterations: iterations)) { context in
            if context.number == 0 { await context.wait(.milliseconds(1)) }
            ran.add([context.user.number, context.number])
            return .ok
        }
        let count = users * iterations
        #expect(outcome.ending == RunEnding(interrupted: false))
        #expect(ran.entries.count == count && Set(ran.entries).count == count)
        #expect(outcome.iterations.started == count && outcome.iterations.ok == count)
        #expect(outcome.total.service.count == UInt64(count))
    }

    @Test func countsIterationsByTheirOutcome() async {
        let outcome = await Outcome.of(Plan(users: 2, iterations: 5)) { context in
            switch context.number {
            case 0: return .skipped
            case 1: return .failed
            case 2:
                context.fail(at: "here:1", message: "third")
                return .ok
            default: return .ok
            }
        }
        let counts = outcome.iterations
        #expect(counts.started == 10 && counts.ok == 4 && counts.failed == 4 && counts.skipped == 2)
        #expect(outcome.total.failures["here:1"]?.count == 2)
    }

    @Test func whatBlocksItsLoopIsNamed() async {
        var plan = Plan(users: 4, iterations: 20)
        plan.loops = 2
        // Where the machine keeps the threads waiting nobody is blamed: then once more.
        for _ in 0..<20 {
            let outcome = await Outcome.of(
                plan, { _ in .ok },
                { _ in
                    try? await Task.sleep(for: .milliseconds(1))
                    usleep(15_000)
                    return .ok
                })
            let lag = outcome.total.health.lag
            guard let hold = lag.holders["s1"], lag.holders.count == 1 else { continue }
            #expect((1...lag.longJobs).contains(hold.count) && hold.longest >= 15_000_000)
            return
        }
        Issue.record("nobody was named")
    }

    @Test func cyclesFollowEachOtherWithTheSameUsers() async {
        let ran = Log<[Int]>()
        let working = Mutex((now: 0, peaks: [Int]()))
        var plan = Plan(cycles: [
            .init(users: 2, amount: .iterations(3)), .init(users: 4, amount: .iterations(2)),
            .init(users: 1, amount: .iterations(5)),
        ])
        plan.pause = .milliseconds(20)
        plan.firstUser = 100
        let outcome = await Outcome.of(plan) { context in
            ran.add([context.user.number, context.number])
            working.withLock { working in
                working.now += 1
                working.peaks.append(working.now)
            }
            await context.wait(.milliseconds(2))
            working.withLock { $0.now -= 1 }
            return .ok
        }
        #expect(outcome.iterations.ok == 6 + 8 + 5)
        let numbers = Dictionary(grouping: ran.entries) { $0[0] }.mapValues { $0.map { $0[1] } }
        #expect(
            numbers == [100: Array(0..<10), 101: Array(0..<5), 102: [0, 1], 103: [0, 1]],
            "numbers go on over the cycles")
        let peaks = working.withLock { $0.peaks }
        #expect(peaks.prefix(6).max()! <= 2 && peaks.suffix(5).max()! == 1, "no cycle starts before the last has ended")
    }

    @Test func pausesBetweenCycles() async {
        let starts = Log<Instant>()
        var plan = Plan(cycles: [.init(users: 1, amount: .iterations(1)), .init(users: 1, amount: .iterations(1))])
        plan.pause = .milliseconds(30)
        _ = await Outcome.of(plan) { _ in
            starts.add(.now)
            return .ok
        }
        #expect(starts.entries.count == 2)
        #expect(starts.entries[1].nanoseconds(since: starts.entries[0]) >= 30_000_000)
    }

    @Test func usersStartOneAfterTheOtherOverTheRamp() async {
        let started = Log<Int>()
        var plan = Plan(users: 8, iterations: 1)
        plan.rampUp = .milliseconds(80)
        let start = Instant.now
        let late = Log<Int64>()
        _ = await Outcome.of(plan) { context in
            late.add(Instant.now.nanoseconds(since: start) - Int64(context.user.number) * 10_000_000)
            started.add(context.user.number)
            return .ok
        }
        #expect(started.entries.sorted() == Array(0..<8))
        #expect(late.entries.allSatisfy { $0 >= 0 }, "nobody starts before its time")
    }

    @Test(arguments: [
        (0, 4, Duration.seconds(10), Duration.zero), (1, 4, .seconds(10), .milliseconds(2500)),
        (3, 4, .seconds(10), .milliseconds(7500)), (0, 1, .seconds(10), .zero), (5, 10, .zero, .zero),
        (500_000, 1_000_000, .seconds(31_622_400), .seconds(15_811_200)),
    ])
    func spreadsStartsEvenly(index: Int, count: Int, ramp: Duration, delay: Duration) {
        #expect(CycleCrew.delay(of: index, of: count, over: ramp) == delay)
    }

    @Test func thinksBetweenIterationsButNotAfterTheLast() async {
        let times = Log<Instant>()
        var plan = Plan(users: 1, iterations: 3)
        plan.think = .milliseconds(10)
        _ = await Outcome.of(plan) { _ in
            times.add(.now)
            return .ok
        }
        let gaps = zip(times.entries.dropFirst(), times.entries).map { $0.nanoseconds(since: $1) }
        #expect(gaps.count == 2 && gaps.allSatisfy { $0 >= 10_000_000 })
        // Would otherwise hang for a year.
        plan = Plan(users: 3, iterations: 1)
        plan.think = .seconds(31_000_000)
        #expect(await Outcome.of(plan) { _ in .ok }.iterations.ok == 3)
    }

    @Test func drawsAllScenariosWithEqualWeight() async {
        let drawn = Log<[Int]>()
        let outcome = await Outcome.of(
            Plan(users: 3, iterations: 300),
            { context in
                drawn.add([context.user.number, 0])
                return .ok
            },
            { context in
                drawn.add([context.user.number, 1])
                return .ok
            },
            { context in
                drawn.add([context.user.number, 2])
                return .ok
            })
        #expect(outcome.iterations.ok == 900)
        for scenario in 0..<3 {
            let count = drawn.entries.count { $0[1] == scenario }
            #expect(count > 200 && count < 400)
        }
        let sequences = (0..<3).map { user in drawn.entries.filter { $0[0] == user }.map { $0[1] } }
        #expect(sequences[0] != sequences[1] && sequences[1] != sequences[2])
    }

    @Test func aUserNeverLeavesItsLoop() async {
        let strayed = Atomic<Int>(0)
        let loops = Log<ObjectIdentifier>()
        var plan = Plan(users: 6, iterations: 4)
        plan.loops = 3
        _ = await Outcome.of(plan) { context in
            if !context.user.loop.isOnLoop { strayed.add(1, ordering: .relaxed) }
            await context.wait(.milliseconds(1))
            await Task.yield()
            if !context.user.loop.isOnLoop { strayed.add(1, ordering: .relaxed) }
            loops.add(ObjectIdentifier(context.user.loop))
            return .ok
        }
        #expect(strayed.load(ordering: .relaxed) == 0)
        let counts = Dictionary(grouping: loops.entries) { $0 }.mapValues(\.count)
        #expect(counts.values.sorted() == [8, 8, 8])
    }

    @Test func tasksOfAnIterationKnowItUnlessDetached() async {
        let known = Log<Bool>()
        _ = await Outcome.of(Plan(users: 2, iterations: 2)) { context in
            async let child = IterationContext.current === context
            known.add(await child)
            known.add(await Task { IterationContext.current === context }.value)
            known.add(await Task.detached { IterationContext.current == nil }.value)
            known.add(IterationContext.current === context)
            return .ok
        }
        #expect(known.entries == Array(repeating: true, count: 16))
        #expect(IterationContext.current == nil)
    }

    @Test func usersInheritTheTaskLocalsOfTheCaller() async {
        let seen = Log<Int>()
        await Caller.$number.withValue(42) {
            _ = await Outcome.of(Plan(users: 2, iterations: 1)) { _ in
                seen.add(Caller.number)
                return .ok
            }
        }
        #expect(seen.entries == [42, 42])
    }

    @Test func whatHappensOffTheLoopIsCountedToo() async {
        let outcome = await Outcome.of(Plan(users: 3, iterations: 4)) { context in
            await Task.detached {
                context.user.record(.sample(), iteration: context.number)
                context.fail(at: "off", message: "the loop")
            }.value
            return .ok
        }
        #expect(outcome.total.hitCount == 12 && outcome.total.failures["off"]?.count == 12)
        #expect(outcome.iterations.failed == 12)
    }

    @Test func batchesAddUpAndTheLastFindsNobody() async {
        let plan = Plan(users: 5, duration: .seconds(1000))
        let outcome = await Outcome.of(plan, stopAfterBatches: 3) { context in
            await context.wait(.milliseconds(1))
            context.user.record(.sample(), iteration: context.number)
            return .ok
        }
        #expect(outcome.batches.count >= 4)
        #expect(outcome.total.hitCount == outcome.iterations.ok)
        #expect(outcome.iterations.started == outcome.iterations.ended)
        #expect(outcome.batches.last?.statistics.users == 0)
        #expect(outcome.batches.first?.statistics.users == 5)
        let health = outcome.total.health
        #expect(health.cpuSeconds > 0 && health.peakResidentBytes > 1_000_000)
    }

    @Test func bodiesThatCostNothingStarveNobody() async {
        var plan = Plan(users: 500, duration: .seconds(3600))
        plan.loops = 1
        // Ends only if batches are made and the stop is heard while 500 users compute without a pause.
        let outcome = await Outcome.of(plan, stopAfterBatches: 2) { _ in .ok }
        #expect(outcome.ending.interrupted && outcome.iterations.interrupted == 0)
        #expect(outcome.iterations.ok == outcome.iterations.started)
    }

    @Test func countersInSharedMemoryAgreeWithTheSums() async {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: LiveCounters.byteCount, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: LiveCounters.byteCount)
        let counters = LiveCounters(base: memory)
        _ = await Outcome.of(Plan(users: 4, iterations: 5), counters: counters) { context in
            context.user.record(.sample(), iteration: 0)
            return .ok
        }
        #expect(counters.started == 20 && counters.ended == 20 && counters.hits == 20)
    }

    @Test func deadServersMakeUsersBackOffButNotGiveUp() async {
        // An iteration that the machine holds up for 10 ms looks like one that waited for a server: then once more.
        var gaps: [Int64] = []
        let delays: [Int64] = [10_000_000, 20_000_000, 40_000_000]
        for _ in 0..<10 where !zip(gaps, delays).allSatisfy({ $0 >= $1 }) || gaps.isEmpty {
            let times = Log<Instant>()
            let outcome = await Outcome.of(Plan(users: 1, iterations: 4)) { context in
                times.add(.now)
                context.user.record(
                    .sample(status: nil, error: HitError(kind: "connect", message: "refused")),
                    iteration: context.number)
                return .failed
            }
            #expect(outcome.iterations.failed == 4)
            gaps = zip(times.entries.dropFirst(), times.entries).map { $0.nanoseconds(since: $1) }
        }
        #expect(gaps.count == 3 && zip(gaps, delays).allSatisfy { $0 >= $1 })
    }

    @Test func backsOffTwiceAsLongUpToALimitUntilItGoesWell() {
        var backOff = BackOff()
        let delays = (0..<7).map { _ in backOff.delay(afterError: true, service: 1000) / 1_000_000 }
        #expect(delays == [10, 20, 40, 80, 160, 250, 250])
        #expect(backOff.delay(afterError: false, service: 1000) == 0)
        #expect(backOff.delay(afterError: true, service: 1000) == 10_000_000)
        #expect(backOff.delay(afterError: true, service: 60_000_000_000) == 0, "a time-out has waited enough")
    }
}

private enum Caller {
    @TaskLocal static var number = 0
}

extension Hit {
    static func sample(status: Int? = 200, error: HitError? = nil) -> Hit {
        Hit(
            start: .now, name: "GET /", method: "GET", url: "http://h/", status: status, latency: 1000, error: error,
            failed: error != nil)
    }
}

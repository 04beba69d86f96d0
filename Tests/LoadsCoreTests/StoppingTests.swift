import Glibc
import LoadsEventLoop
import Synchronization
import Testing

@testable import LoadsCore

@Suite(.timeLimit(.minutes(5))) struct StoppingTests {
    @Test func stopLetsRunningIterationsEnd() async {
        let started = Log<Int>()
        let outcome = await Outcome.of(Plan(users: 4, iterations: 1000), stopOnce: started.entries.count >= 4) {
            started.add($0.number)
            await $0.wait(.milliseconds(150))
            return .ok
        }
        #expect(outcome.ending == RunEnding(interrupted: true))
        #expect(outcome.iterations.interrupted == 0 && outcome.iterations.ok == outcome.iterations.started)
        #expect(outcome.iterations.ok >= 1)
    }

    @Test func stopCancelsAfterTheGrace() async {
        var plan = Plan(users: 4, iterations: 10)
        plan.grace = .milliseconds(30)
        let outcome = await Outcome.stopped(plan)
        #expect(outcome.ending == RunEnding(interrupted: true))
        #expect(outcome.iterations.started == 4 && outcome.iterations.interrupted == 4)
        #expect(outcome.total.service.isEmpty, "what was cut off has no service time")
    }

    @Test func abortCancelsAtOnce() async {
        var plan = Plan(users: 4, iterations: 10)
        plan.grace = .seconds(1000)
        let outcome = await Outcome.stopped(plan, abort: true)
        #expect(outcome.ending == RunEnding(interrupted: true) && outcome.iterations.interrupted == 4)
    }

    @Test func stopWakesThoseWhoThinkOrWaitForTheirStart() async {
        var plan = Plan(users: 4, iterations: 10)
        plan.think = .seconds(1000)
        plan.rampUp = .seconds(1000)
        let ran = Log<Int>()
        let outcome = await Outcome.of(plan, stopOnce: !ran.entries.isEmpty) {
            ran.add($0.number)
            return .ok
        }
        #expect(outcome.ending.interrupted)
        #expect(outcome.iterations.ok == 1 && outcome.iterations.started == 1)
    }

    @Test func nobodyStartsToThinkOnceTheRunIsStopped() async {
        let box = Mutex<ScenarioRunner?>(nil)
        var plan = Plan(users: 1, iterations: 10)
        plan.think = .seconds(1000)
        let runner = ScenarioRunner(
            plan: plan,
            scenarios: [
                Scenario(name: "s") { context in
                    box.withLock { $0 }?.stop()
                    // Those who sleep have been woken when this one goes to sleep.
                    await context.wait(.milliseconds(20))
                    return .ok
                }
            ], onBatch: { _ in })
        box.withLock { $0 = runner }
        #expect(await runner.run() == RunEnding(interrupted: true))
        box.withLock { $0 = nil }
    }

    @Test func stopEndsThePauseAndSkipsTheOtherCycles() async {
        var plan = Plan(cycles: [.init(users: 1, amount: .iterations(1)), .init(users: 1, amount: .iterations(1))])
        plan.pause = .seconds(1000)
        let ran = Log<Int>()
        let outcome = await Outcome.of(plan, stopOnce: !ran.entries.isEmpty) {
            ran.add($0.number)
            return .ok
        }
        #expect(outcome.ending.interrupted && outcome.iterations.started == 1)
    }

    @Test func aRunStoppedBeforeItStartsDoesNothing() async {
        let runner = ScenarioRunner(
            plan: Plan(users: 3, iterations: 3), scenarios: [Scenario(name: "s") { _ in .ok }], onBatch: { _ in })
        runner.stop()
        runner.stop()
        #expect(await runner.run() == RunEnding(interrupted: true))
    }

    @Test func cancellingTheCallerAborts() async {
        let started = Gate()
        let task = Task {
            await Outcome.of(Plan(users: 1, iterations: 3)) {
                started.open(true)
                await $0.wait(.seconds(1000))
                return .ok
            }
        }
        _ = await started.wait()
        task.cancel()
        let outcome = await task.value
        #expect(outcome.ending.interrupted && outcome.iterations.interrupted == 1)
    }

    @Test func theEndOfADurationIsNoInterruption() async {
        let outcome = await Outcome.of(Plan(users: 3, duration: .milliseconds(300))) {
            await $0.wait(.milliseconds(400))
            return .ok
        } until: {
            $0.iterations.ok >= 1
        }
        #expect(outcome.ending == RunEnding(interrupted: false))
        #expect(
            outcome.iterations.ok >= 1 && outcome.iterations.ok == outcome.iterations.started,
            "they had the grace to end")
    }

    @Test func iterationsThatOutlastADurationAndItsGraceAreCutOff() async {
        var plan = Plan(users: 3, duration: .milliseconds(300))
        plan.grace = .milliseconds(20)
        let outcome = await Outcome.of(plan) {
            await $0.wait(.seconds(1000))
            return .ok
        } until: {
            $0.iterations.started >= 1
        }
        #expect(outcome.ending == RunEnding(interrupted: false))
        let counts = outcome.iterations
        #expect(counts.started >= 1 && counts.interrupted == counts.started)
    }

    @Test func thinkingEndsWithTheDuration() async {
        var plan = Plan(users: 3, duration: .milliseconds(300))
        plan.think = .seconds(1000)
        let outcome = await Outcome.of(plan) { _ in
            .ok
        } until: {
            $0.iterations.ok >= 1
        }
        #expect(outcome.iterations.ok >= 1 && outcome.iterations.ok <= 3)
    }

    @Test func iterationsThatDoNotListenAreLeftBehind() async {
        let never = Mutex<[UnsafeContinuation<Void, Never>]>([])
        var plan = Plan(cycles: [
            .init(users: 3, amount: .duration(.milliseconds(400))), .init(users: 1, amount: .iterations(5)),
        ])
        plan.grace = .zero
        plan.loops = 2
        let outcome = await Outcome.of(plan, patience: .milliseconds(300)) { context in
            if context.user.number == 1 {
                await withUnsafeContinuation { continuation in never.withLock { $0.append(continuation) } }
            } else {
                await context.wait(.seconds(1000))
            }
            return .ok
        } until: {
            $0.ending.leftBehind == 1 && $0.iterations.started == 3 && $0.iterations.interrupted == 3
        }
        #expect(outcome.ending.leftBehind == 1)
        #expect(outcome.iterations.started == 3 && outcome.iterations.interrupted == 3)
        // What they do later reaches nobody.
        for continuation in never.withLock({ $0 }) { continuation.resume() }
    }

    @Test func aLoopHeldForEverHoldsUpNobodyElse() async {
        let semaphore = Semaphore()
        var plan = Plan(users: 6, iterations: 5)
        plan.loops = 2
        plan.grace = .zero
        let ran = Log<Int>()
        // Fifteen of the other loop's, and the two of user 0.
        let outcome = await Outcome.of(
            plan, patience: .milliseconds(300), stopOnce: ran.entries.count == 17
        ) { context in
            ran.add(context.number)
            // User 0 holds the first loop; users 2 and 4 never get there.
            if context.user.number == 0 && context.number == 1 { semaphore.wait() }
            return .ok
        }
        #expect(outcome.ending == RunEnding(interrupted: true, leftBehind: 1))
        let counts = outcome.iterations
        #expect(counts.started == counts.ended && counts.interrupted >= 1 && counts.ok >= 15)
        semaphore.signal()
    }

    @Test(arguments: [false, true]) func whatTheEndOfTheGraceCutsOffCountsAsFarAsItWent(_ open: Bool) async {
        let arrivals = Arrivals(rate: .perSecond(20), for: .milliseconds(200), maxUsers: 10)
        var plan = open ? Plan(arrivals: arrivals) : Plan(users: 4, duration: .milliseconds(200))
        plan.grace = .milliseconds(300)
        // Who starts late, and how late, is the machine's affair.
        let outcome = await Outcome.of(plan) {
            await $0.wait(.seconds(1000))
            return .ok
        } until: {
            $0.iterations.cutOff == 4 && $0.total.service.min >= 100_000_000
        }
        let total = outcome.total
        #expect(!outcome.ending.interrupted)
        #expect(total.iterations.interrupted == 4 && total.iterations.cutOff == 4)
        #expect(total.service.count == 4 && total.service.min >= 100_000_000)
        #expect(total.response.count == (open ? 4 : 0))
        if open { #expect(total.response.min >= 100_000_000) }
    }

    @Test func whatIsStoppedIsNotCutOff() async {
        var plan = Plan(users: 4, duration: .seconds(1000))
        plan.grace = .milliseconds(30)
        let outcome = await Outcome.stopped(plan)
        #expect(outcome.ending.interrupted && outcome.iterations.interrupted == 4)
        #expect(outcome.iterations.cutOff == 0 && outcome.total.service.isEmpty)
    }

    @Test func whatIsLeftBehindAtTheEndOfTheGraceIsCutOffToo() async {
        var plan = Plan(users: 2, duration: .milliseconds(300))
        plan.grace = .milliseconds(20)
        let outcome = await Outcome.of(plan, patience: .milliseconds(100)) { _ in
            // Deaf to its cancellation.
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                Task.detached {
                    try? await Task.sleep(for: .seconds(10))
                    continuation.resume()
                }
            }
            return .ok
        } until: {
            $0.ending.leftBehind == 2 && $0.iterations.cutOff == 2
        }
        #expect(outcome.ending.leftBehind == 2 && outcome.iterations.cutOff == 2)
        #expect(outcome.total.service.count == 2 && outcome.total.service.min == 100_000_000)
    }

    @Test(arguments: [true, false]) func callsThatAreCancelledCountApartIfSomebodyStoppedTheRun(_ stopped: Bool) async {
        var plan = Plan(users: 3, duration: stopped ? .seconds(1000) : .seconds(2))
        plan.grace = .milliseconds(30)
        let started = Log<Int>()
        let outcome = await Outcome.of(plan, stopOnce: stopped && started.entries.count == 3) { context in
            started.add(context.number)
            let start = Instant.now
            await context.wait(.seconds(1000))
            let error = Task.isCancelled ? HitError(kind: HitError.cancelled, message: "m") : nil
            context.user.record(
                Hit(
                    start: start, name: "n", method: "GET", url: "u", status: nil,
                    latency: Instant.now.nanoseconds(since: start), error: error, failed: true),
                iteration: context.number)
            return .ok
        }
        let total = outcome.total
        #expect(total.hitCount == (stopped ? 0 : 3) && total.failedHitCount == (stopped ? 0 : 3))
        #expect(total.cancelledHitCount == (stopped ? 3 : 0) && total.allHitCount == 3)
    }
}

/// One that blocks the thread.
final class Semaphore: @unchecked Sendable {
    // @unchecked: POSIX semaphores are for all threads.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    init() { sem_init(semaphore, 0, 0) }
    func wait() { while sem_wait(semaphore) != 0 {} }
    func signal() { sem_post(semaphore) }
}

extension Outcome {
    /// A run that is told to end once four users are at something that takes very long.
    fileprivate static func stopped(_ plan: Plan, abort: Bool = false) async -> Outcome {
        let started = Log<Int>()
        return await of(plan, abort: abort, stopOnce: started.entries.count == 4) {
            started.add($0.number)
            await $0.wait(.seconds(1000))
            return .ok
        }
    }
}

import Glibc
import LoadsEventLoop
import Synchronization
import Testing

@Suite struct EventLoopTests {
    @Test func runsTasksOnItsThread() async throws {
        let loop = EventLoop(name: "t")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 {
                group.addTask(executorPreference: loop) {
                    #expect(loop.isOnLoop)
                    try? await loop.sleep(for: .milliseconds(1))
                    #expect(loop.isOnLoop)
                    await Task.yield()
                    #expect(EventLoop.current === loop)
                }
            }
        }
        await loop.shutdown()
        #expect(EventLoop.current == nil && !loop.isOnLoop)
    }

    @Test func aHundredThousandUsersSleepAtOnce() async throws {
        let loop = EventLoop()
        let awake = Counter()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<100_000 {
                group.addTask(executorPreference: loop) {
                    try? await loop.sleep(for: .microseconds(index % 1000))
                    awake.add()
                }
            }
        }
        #expect(awake.value == 100_000)
        await loop.shutdown()
    }

    @Test func sleepsDoNotEndEarly() async throws {
        let loop = EventLoop()
        let deadline = Instant.now.advanced(by: .milliseconds(20))
        try await loop.sleep(until: deadline)
        #expect(Instant.now >= deadline)
        try await loop.sleep(until: deadline)
        await loop.shutdown()
    }

    @Test(arguments: [true, false])
    func cancellingATaskEndsItsSleep(onLoop: Bool) async throws {
        let loop = EventLoop()
        let began = Counter()
        let body: @Sendable () async -> Bool = {
            began.add()
            do {
                try await loop.sleep(for: .seconds(3600))
                return false
            } catch { return error is CancellationError }
        }
        let task = onLoop ? Task(executorPreference: loop, operation: body) : Task(operation: body)
        while began.value == 0 { await Task.yield() }
        task.cancel()
        #expect(await task.value)
        await loop.shutdown()
    }

    @Test func aTaskCancelledBeforehandDoesNotSleep() async throws {
        let loop = EventLoop()
        for onLoop in [true, false] {
            let body: @Sendable () async -> Bool = {
                withUnsafeCurrentTask { $0?.cancel() }
                return (try? await loop.sleep(for: .seconds(3600))) == nil
            }
            let task = onLoop ? Task(executorPreference: loop, operation: body) : Task(operation: body)
            #expect(await task.value)
        }
        await loop.shutdown()
    }

    @Test func cancellingRacesWithWakingWithoutHarm() async throws {
        let loop = EventLoop()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<2000 {
                let task = Task { try? await loop.sleep(for: .microseconds(index % 100)) }
                group.addTask {
                    if index % 3 == 0 { await Task.yield() }
                    task.cancel()
                    _ = await task.value
                }
            }
        }
        await loop.shutdown()
    }

    @Test func anActorCanLiveOnIt() async throws {
        let loop = EventLoop()
        let actor = Resident(loop)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<1000 { group.addTask { await actor.increment() } }
        }
        #expect(await actor.count == 1000)
        #expect(await actor.wasAlwaysHome)
        await loop.shutdown()
    }

    @Test func closuresRunInTheOrderTheyWereSubmitted() async throws {
        let loop = EventLoop()
        let seen = Mutex<[Int]>([])
        for index in 0..<10_000 { loop.submit { seen.withLock { $0.append(index) } } }
        await withUnsafeContinuation { continuation in _ = loop.submit { continuation.resume() } }
        #expect(seen.withLock { $0 } == Array(0..<10_000))
        await loop.shutdown()
    }

    @Test func closuresFromManyThreadsAreAllRun() async throws {
        let loop = EventLoop()
        let count = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5_000 { loop.submit { count.add() } }
                }
            }
        }
        await loop.shutdown()
        #expect(count.value == 40_000)
        #expect(!loop.submit {})
    }

    @Test func aBodyThatBlocksIsSeen() async throws {
        let loop = EventLoop()
        let lag = await onLoop(loop) { loop.takeLag() }
        #expect(lag.longJobs == 0)
        // The machine may keep the thread waiting so long that nobody is blamed: then once more.
        var blocked = LoopLag()
        for _ in 0..<20 where blocked.longJobs == 0 {
            await Task(executorPreference: loop) { _ = usleep(30_000) }.value
            blocked = await onLoop(loop) { loop.takeLag() }
            #expect(blocked.longestJob >= 30_000_000)
        }
        #expect(blocked.longJobs >= 1)
        await loop.shutdown()
    }

    @Test func whoBlocksIsNamed() async throws {
        let loop = EventLoop()
        let (idle, slow) = (LoopTenant(loop: loop, names: ["idle"]), LoopTenant(loop: loop, names: ["first", "slow"]))
        _ = await onLoop(loop) {
            slow.activity = 1
            return loop.takeLag()
        }
        // The machine may keep the thread waiting so long that nobody is blamed, or just so long that somebody else is:
        // then once more.
        var lag = LoopLag()
        for _ in 0..<20 where lag.longJobs == 0 || lag.holders["slow"]?.count != lag.longJobs {
            await withDiscardingTaskGroup { group in
                group.addTask(executorPreference: idle) { await Task.yield() }
                group.addTask(executorPreference: slow) {
                    await Task.yield()
                    // Child tasks are their parent's.
                    async let child: Void = { _ = usleep(30_000) }()
                    await child
                }
            }
            lag = await onLoop(loop) { loop.takeLag() }
        }
        #expect(Array(lag.holders.keys) == ["slow"])
        #expect(lag.holders["slow"]?.count == lag.longJobs)
        #expect(lag.holders["slow"]?.longest == lag.longestJob)
        await loop.shutdown()
    }

    @Test func holdsOfTooManyNamesAreAdded() {
        var lag = LoopLag()
        for number in 0..<1000 {
            var other = LoopLag()
            other.holders = ["test \(number)": LoopHold(count: 2, longest: Int64(number))]
            lag.merge(other)
        }
        #expect(lag.holders.count == 201)
        #expect(lag.holders["test 7"] == LoopHold(count: 2, longest: 7))
        #expect(lag.holders["(other)"] == LoopHold(count: 1600, longest: 999))
    }

    @Test func aTimerThatFiresLateIsSeen() async throws {
        let loop = EventLoop()
        await Task(executorPreference: loop) {
            let timer = LoopTimer {}
            loop.schedule(timer, at: .now.advanced(by: .milliseconds(1)))
            usleep(30_000)
        }.value
        let lag = await onLoop(loop) { loop.takeLag() }
        #expect(lag.latestTimer >= 20_000_000)
        #expect(await onLoop(loop) { loop.takeLag() }.latestTimer == 0)
        await loop.shutdown()
    }

    @Test func timeInWhichEverythingWaitsIsAddedUp() async throws {
        let loop = EventLoop()
        #expect(await onLoop(loop) { loop.takeLag() }.held >= 0)
        // Each a turn of its own, and a hold of its own: 10 ms of it are let pass.
        for _ in 0..<3 { await Task(executorPreference: loop) { _ = usleep(30_000) }.value }
        let lag = await onLoop(loop) { loop.takeLag() }
        #expect(lag.held >= 60_000_000)
        #expect(lag.held >= 3 * (30_000_000 - LoopLag.heldThreshold))
        // Many short ones in one turn hold it up as well.
        loop.submit { for _ in 0..<15 { loop.submit { _ = usleep(2_000) } } }
        let many = await onLoop(loop) { loop.takeLag() }
        // They may have been in one turn with that question: it is noted at its end.
        try await loop.sleep(for: .milliseconds(1))
        let rest = await onLoop(loop) { loop.takeLag() }
        #expect(many.held + rest.held >= 20_000_000)
        var sum = LoopLag()
        sum.merge(many)
        sum.merge(rest)
        #expect(sum.held == many.held + rest.held)
        await loop.shutdown()
    }

    @Test func aGroupHandsItsLoopsOutInTurn() async throws {
        let group = EventLoopGroup(count: 3)
        let taken = (0..<6).map { _ in group.next() }
        #expect(Set(taken.map { ObjectIdentifier($0) }).count == 3)
        #expect(taken[0] === taken[3])
        await group.shutdown()
        #expect(EventLoopGroup.availableCores > 0)
    }

    private func onLoop<Value: Sendable>(_ loop: EventLoop, _ body: @escaping @Sendable () -> Value) async -> Value {
        await withUnsafeContinuation { continuation in _ = loop.submit { continuation.resume(returning: body()) } }
    }
}

private actor Resident {
    private(set) var count = 0
    private(set) var wasAlwaysHome = true
    private let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    func increment() {
        count += 1
        if !loop.isOnLoop { wasAlwaysHome = false }
    }
}

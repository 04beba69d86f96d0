import LoadsEventLoop
import Testing

/// An actor whose executor is the loop.
private actor Resident {
    private let loop: EventLoop
    private var visits = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(loop: EventLoop) { self.loop = loop }

    func visit() async -> Bool {
        let before = loop.isOnLoop
        await elsewhere()
        visits += 1
        return before && loop.isOnLoop
    }

    nonisolated func elsewhere() async { await Task.yield() }
    nonisolated func assumed() -> Int { assumeIsolated { $0.visits } }
    func all() -> Int { visits }
}

@Suite struct ActorOnLoopTests {
    @Test func runsActorsOnItsThread() async throws {
        let loop = EventLoop(name: "actor")
        let resident = Resident(loop: loop)
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<100 {
                if number.isMultiple(of: 2) {
                    group.addTask { await resident.visit() }
                } else {
                    group.addTask(executorPreference: loop) { await resident.visit() }
                }
            }
            for await wasThere in group { #expect(wasThere) }
        }
        #expect(await resident.all() == 100)
        let assumed = await withTaskExecutorPreference(loop) { resident.assumed() }
        #expect(assumed == 100)
        await loop.shutdown()
    }
}

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
    }
}

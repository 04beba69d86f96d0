import CLinux
import Glibc
import LoadsEventLoop
import Testing

@Suite struct ShutdownTests {
    /// Other suites open descriptors at the same time, so a process of our own would be needed to count them exactly;
    /// instead: many loops, and a leak of one each would show.
    @Test func leavesNoDescriptorAndNoThread() async throws {
        let before = (entries("/proc/self/fd"), entries("/proc/self/task"))
        for _ in 0..<300 {
            let loop = EventLoop()
            loop.submit {}
            await loop.shutdown()
        }
        #expect(entries("/proc/self/fd") < before.0 + 150)
        #expect(entries("/proc/self/task") < before.1 + 150)
    }

    @Test func isHarmlessTwiceAndConcurrently() async throws {
        let loop = EventLoop()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 { group.addTask { await loop.shutdown() } }
        }
        await loop.shutdown()
    }

    @Test func runsTheJobsThatArriveMeanwhile() async throws {
        for _ in 0..<50 {
            let loop = EventLoop()
            let done = Counter()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<50 {
                            await Task(executorPreference: loop) {
                                await Task.yield()
                                done.add()
                            }.value
                        }
                    }
                }
                group.addTask { await loop.shutdown() }
            }
            #expect(done.value == 200)
        }
    }

    @Test func runsEveryClosureItTook() async throws {
        for _ in 0..<50 {
            let loop = EventLoop()
            let (taken, ran) = (Counter(), Counter())
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<500 {
                            if loop.submit({ ran.add() }) { taken.add() }
                        }
                    }
                }
                group.addTask { await loop.shutdown() }
            }
            #expect(taken.value == ran.value)
        }
    }

    @Test func wakesSleepersWithAnError() async throws {
        let loop = EventLoop()
        let tasks = (0..<100).map { _ in
            Task(executorPreference: loop) { () -> Bool in
                do {
                    try await loop.sleep(for: .seconds(3600))
                    return false
                } catch { return error is CancellationError }
            }
        }
        await loop.shutdown()
        for task in tasks { #expect(await task.value) }
        await #expect(throws: CancellationError.self) { try await loop.sleep(for: .seconds(3600)) }
    }

    @Test func endsInSpiteOfATimerThatArmsItselfAnew() async throws {
        let loop = EventLoop()
        let fired = Counter()
        loop.submit {
            let periodic = LoopTimer {}
            periodic.action = {
                fired.add()
                loop.schedule(periodic, at: .now.advanced(by: .seconds(3600)))
            }
            loop.schedule(periodic, at: .now.advanced(by: .seconds(3600)))
        }
        await loop.shutdown()
        #expect(fired.value == 1)
    }

    @Test func letsGoOfHandlersAndWhatTheyHoldUp() async throws {
        let loop = EventLoop()
        var ends: [Int32] = [-1, -1]
        try #require(loads_pipe(&ends) == 0)
        let descriptor = ends[0]
        let task = Task(executorPreference: loop) {
            await withUnsafeContinuation { continuation in
                loop.register(descriptor, interest: .readable, handler: LastWord { continuation.resume() })
            }
            return loop.isOnLoop
        }
        await withUnsafeContinuation { continuation in _ = loop.submit { continuation.resume() } }
        await loop.shutdown()
        #expect(await task.value)
        for end in ends { close(end) }
    }

    @Test func aLoopThatHasEndedIsNoLaterThreadsLoop() async throws {
        let ended = EventLoop()
        await ended.shutdown()
        // The new loop's thread very likely has the old one's identifier.
        let next = EventLoop()
        let value = await Task(executorPreference: next) {
            #expect(!ended.isOnLoop)
            return await Task(executorPreference: ended) { 42 }.value
        }.value
        #expect(value == 42)
        await next.shutdown()
    }

    private func entries(_ directory: String) -> Int {
        guard let handle = opendir(directory) else { return 0 }
        defer { closedir(handle) }
        var count = 0
        while readdir(handle) != nil { count += 1 }
        return count
    }
}

private final class LastWord: FileHandler {
    private let word: () -> Void
    init(_ word: @escaping () -> Void) { self.word = word }
    deinit { word() }
    func handle(_ events: FileEvents, on descriptor: Int32) {}
}

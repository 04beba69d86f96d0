import CLinux
import Glibc
import LoadsEventLoop
import Synchronization
import Testing

@Suite struct DescriptorTests {
    @Test func readinessReachesTheHandler() async throws {
        let loop = EventLoop()
        let pair = try SocketPair()
        let seen = await on(loop) {
            let recorder = Recorder()
            #expect(loop.register(pair.near, interest: .readable, handler: recorder))
            return recorder
        }
        await settle(loop)
        #expect(await on(loop) { seen.events } == [])
        pair.write(to: pair.far)
        try await until { await on(loop) { seen.events.first == .readable } }
        await on(loop) { loop.deregister(pair.near) }
        await loop.shutdown()
    }

    @Test func updatingChangesWhatIsWatched() async throws {
        let loop = EventLoop()
        let pair = try SocketPair()
        let seen = await on(loop) {
            let recorder = Recorder()
            recorder.after = { loop.update(pair.near, interest: []) }
            loop.register(pair.near, interest: [], handler: recorder)
            return recorder
        }
        pair.write(to: pair.far)
        await settle(loop)
        #expect(await on(loop) { seen.events } == [])
        #expect(await on(loop) { loop.update(pair.near, interest: .writable) })
        try await until { await on(loop) { seen.events == [.writable] } }
        #expect(await on(loop) { loop.update(pair.near, interest: .readable) })
        try await until { await on(loop) { seen.events == [.writable, .readable] } }
        await on(loop) { loop.deregister(pair.near) }
        #expect(await on(loop) { !loop.update(pair.near, interest: .readable) })
        await loop.shutdown()
    }

    @Test func aHangUpIsReportedUnasked() async throws {
        let loop = EventLoop()
        let pair = try SocketPair()
        let seen = await on(loop) {
            let recorder = Recorder()
            recorder.after = { loop.deregister(pair.near) }
            loop.register(pair.near, interest: [], handler: recorder)
            return recorder
        }
        close(pair.takeFar())
        try await until { await on(loop) { seen.events == [.hangup] } }
        await loop.shutdown()
    }

    @Test func anEventOfAnEarlierUserOfTheDescriptorIsNotDelivered() async throws {
        let loop = EventLoop()
        let first = try SocketPair()
        let second = try SocketPair()
        // Both are readable in the same wait. Whoever is first gives the other's number to a new user.
        let (stale, handled) = await on(loop) { () -> (Recorder, Recorder) in
            let stale = Recorder()
            let handled = Recorder()
            func hijack(_ other: Int32) {
                guard handled.events.isEmpty else { return }
                loop.deregister(first.near)
                loop.deregister(second.near)
                var fresh: [Int32] = [-1, -1]
                _ = loads_pipe(&fresh)
                dup2(fresh[0], other)
                close(fresh[0])
                loop.register(other, interest: .readable, handler: stale)
            }
            loop.register(first.near, interest: .readable, handler: Hijacker(handled) { hijack(second.near) })
            loop.register(second.near, interest: .readable, handler: Hijacker(handled) { hijack(first.near) })
            first.write(to: first.far)
            second.write(to: second.far)
            return (stale, handled)
        }
        await settle(loop)
        try await until { await on(loop) { handled.events.count == 1 } }
        await settle(loop)
        #expect(await on(loop) { stale.events } == [])
        await loop.shutdown()
    }

    @Test func aDescriptorReusedWithoutDeregisteringIsWatchedAnew() async throws {
        let loop = EventLoop()
        let pair = try SocketPair()
        let other = try SocketPair()
        let (old, new) = await on(loop) {
            let old = Recorder()
            let new = Recorder()
            loop.register(pair.near, interest: .readable, handler: old)
            dup2(other.near, pair.near)
            new.after = { loop.deregister(pair.near) }
            #expect(loop.register(pair.near, interest: .readable, handler: new))
            return (old, new)
        }
        other.write(to: other.far)
        try await until { await on(loop) { new.events == [.readable] } }
        #expect(await on(loop) { old.events } == [])
        await loop.shutdown()
    }

    @Test func whatCannotBeWatchedIsRefused() async throws {
        let loop = EventLoop()
        #expect(await on(loop) { !loop.register(-1, interest: .readable, handler: Recorder()) })
        #expect(await on(loop) { !loop.register(1_000_000, interest: .readable, handler: Recorder()) })
        await on(loop) { loop.deregister(1_000_000) }
        await loop.shutdown()
    }

    private func on<Value: Sendable>(_ loop: EventLoop, _ body: @escaping @Sendable () -> Value) async -> Value {
        await withUnsafeContinuation { continuation in loop.submit { continuation.resume(returning: body()) } }
    }

    /// Lets the loop come round a few times.
    private func settle(_ loop: EventLoop) async {
        for _ in 0..<10 { try? await loop.sleep(for: .microseconds(100)) }
    }

    private func until(_ condition: () async -> Bool) async throws {
        for _ in 0..<12_000 {
            if await condition() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("it never happened")
    }
}

/// Notes events. Confined to its loop.
private final class Recorder: FileHandler, @unchecked Sendable {
    // @unchecked: touched on the loop only.
    var events: [FileEvents] = []
    var after: () -> Void = {}
    func handle(_ events: FileEvents, on descriptor: Int32) {
        self.events.append(events)
        after()
    }
}

private final class Hijacker: FileHandler {
    private let recorder: Recorder
    private let work: () -> Void
    init(_ recorder: Recorder, work: @escaping () -> Void) { (self.recorder, self.work) = (recorder, work) }
    func handle(_ events: FileEvents, on descriptor: Int32) {
        work()
        recorder.events.append(events)
    }
}

private final class SocketPair: Sendable {
    let near: Int32
    let far: Int32
    private let farOpen = Mutex(true)

    init() throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC, 0, &ends) == 0)
        (near, far) = (ends[0], ends[1])
    }

    deinit {
        close(near)
        if farOpen.withLock({ $0 }) { close(far) }
    }

    func write(to descriptor: Int32) { _ = Glibc.write(descriptor, "x", 1) }

    func takeFar() -> Int32 {
        farOpen.withLock { $0 = false }
        return far
    }
}

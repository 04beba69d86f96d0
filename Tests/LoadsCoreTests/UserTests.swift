import Glibc
import LoadsEventLoop
import Synchronization
import Testing

@testable import LoadsCore

/// What a user has: a thread, connections, an end.
@Suite(.timeLimit(.minutes(5))) struct UserTests {
    @Test func threadsLetBodiesBlock() async {
        let barrier = Barrier(20)
        let threads = Log<[UInt]>()
        var plan = Plan(users: 20, iterations: 3)
        plan.threads = true
        plan.loops = 1
        let outcome = await Outcome.of(plan) { context in
            // Passes only if all twenty users block at the same time.
            barrier.wait()
            threads.add([UInt(context.user.number), UInt(pthread_self())])
            context.user.record(.sample(), iteration: context.number)
            return context.user.loop.isOnLoop ? .failed : .ok
        }
        #expect(outcome.iterations.ok == 60 && outcome.total.hitCount == 60)
        #expect(Set(threads.entries).count == 20, "each user keeps a thread of its own")
    }

    @Test func aUserOnAThreadReturnsToItAfterWaiting() async {
        var plan = Plan(users: 3, iterations: 3)
        plan.threads = true
        let outcome = await Outcome.of(plan) { context in
            let thread = pthread_self()
            await context.wait(.milliseconds(1))
            return pthread_self() == thread ? .ok : .failed
        }
        #expect(outcome.iterations.ok == 9)
    }

    @Test(arguments: [false, true])
    func connectionsOutliveIterationsAndCyclesAndEndWithTheUser(threads: Bool) async {
        let calls = Log<String>()
        var plan = Plan(cycles: [.init(users: 2, amount: .iterations(3)), .init(users: 2, amount: .iterations(1))])
        plan.threads = threads
        _ = await Outcome.of(plan) { context in
            await attach(to: context.user, calls)
            return .ok
        }
        #expect(calls.entries.count { $0 == "made" } == 2)
        #expect(calls.entries.count { $0 == "iteration" } == 0)
        #expect(calls.entries.count { $0 == "user" } == 2)
        #expect(!calls.entries.contains("off the loop"))
    }

    @Test(arguments: [false, true])
    func newConnectionsAreAskedForAfterEachIteration(threads: Bool) async {
        let calls = Log<String>()
        var plan = Plan(users: 2, iterations: 5)
        plan.threads = threads
        plan.newConnections = true
        _ = await Outcome.of(plan) { context in
            await attach(to: context.user, calls)
            return .ok
        }
        #expect(calls.entries.count { $0 == "iteration" } == 10)
        #expect(calls.entries.count { $0 == "user" } == 2)
        #expect(!calls.entries.contains("off the loop"))
    }

    @Test func connectionsEndWhenTheRunIsAborted() async {
        let calls = Log<String>()
        let plan = Plan(users: 3, iterations: 5)
        let outcome = await Outcome.of(plan, abort: true, stopOnce: calls.entries.count == 3) {
            await attach(to: $0.user, calls)
            await $0.wait(.seconds(1000))
            return .ok
        }
        #expect(outcome.iterations.interrupted == 3 && calls.entries.count { $0 == "user" } == 3)
    }

    @Test func noThreadAndNoDescriptorIsLeft() async throws {
        func count(_ folder: String) -> Int {
            guard let directory = opendir(folder) else { return 0 }
            defer { closedir(directory) }
            var count = 0
            while readdir(directory) != nil { count += 1 }
            return count
        }
        let descriptors = count("/proc/self/fd")
        let tasks = count("/proc/self/task")
        // A leak of one each would show as 40; other tests of this process, beside this one, come and go.
        for round in 0..<40 {
            var plan = Plan(users: 3, iterations: 1)
            plan.loops = 2
            plan.threads = round % 2 == 0
            #expect(await Outcome.of(plan) { _ in .ok }.iterations.ok == 3)
        }
        var patience = 6000
        while count("/proc/self/task") - tasks > 30 || count("/proc/self/fd") - descriptors > 30, patience > 0 {
            try await Task.sleep(for: .milliseconds(10))
            patience -= 1
        }
        #expect(
            patience > 0,
            "\(count("/proc/self/task") - tasks) threads, \(count("/proc/self/fd") - descriptors) descriptors")
    }
}

/// Gives the user connections that log what they are told, if it has none.
private func attach(to user: VirtualUser, _ calls: Log<String>) async {
    await withUnsafeContinuation { done in
        let work: @Sendable () -> Void = {
            if user.attachment == nil {
                calls.add("made")
                user.attachment = Attachment(user.loop, calls)
            }
            done.resume()
        }
        if user.loop.isOnLoop { work() } else { user.loop.submit(work) }
    }
}

private final class Attachment: UserAttachment {
    private let loop: EventLoop
    private let calls: Log<String>

    init(_ loop: EventLoop, _ calls: Log<String>) {
        self.loop = loop
        self.calls = calls
    }

    func iterationEnded() { calls.add(loop.isOnLoop ? "iteration" : "off the loop") }
    func userEnded() { calls.add(loop.isOnLoop ? "user" : "off the loop") }
}

/// Lets nobody on before all have come, again and again.
private final class Barrier: @unchecked Sendable {
    // @unchecked: POSIX barriers are for all threads.
    private let barrier = UnsafeMutablePointer<pthread_barrier_t>.allocate(capacity: 1)
    init(_ count: UInt32) { pthread_barrier_init(barrier, nil, count) }
    func wait() { pthread_barrier_wait(barrier) }
}

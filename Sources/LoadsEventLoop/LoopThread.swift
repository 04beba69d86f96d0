import CLinux
import Glibc
import Synchronization

/// Starts a loop's thread before the loop is fully made, so that the loop can hold its thread as a constant.
final class ThreadStart: @unchecked Sendable {
    // @unchecked: `loop` is written before `gate` is released and read after it is taken.
    private var loop: EventLoop?
    private let gate = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let name: String

    init(name: String) {
        self.name = name
        sem_init(gate, 0, 0)
    }

    deinit {
        sem_destroy(gate)
        gate.deallocate()
    }

    func spawn() -> pthread_t {
        var thread = pthread_t()
        let start = Unmanaged.passRetained(self).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { argument in
                let start = Unmanaged<ThreadStart>.fromOpaque(argument!).takeRetainedValue()
                loads_name_thread(String(start.name.prefix(15)))
                ThreadStart.blockSignals()
                sem_wait(start.gate)
                let loop = start.loop!
                start.loop = nil
                loop.run()
                return nil
            }, start)
        precondition(result == 0, "pthread_create failed: \(String(cString: strerror(result)))")
        return thread
    }

    func begin(_ loop: EventLoop) {
        self.loop = loop
        sem_post(gate)
    }

    /// Signals belong to whoever asked for them, never to a loop's thread.
    private static func blockSignals() {
        var all = sigset_t()
        sigfillset(&all)
        for fault in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT] { sigdelset(&all, fault) }
        pthread_sigmask(SIG_BLOCK, &all, nil)
    }
}

/// The end of a thread, awaited without blocking one.
final class ThreadEnd: Sendable {
    private struct State {
        var ended = false
        var waiters: [UnsafeContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func wait() async {
        await withUnsafeContinuation { continuation in
            let ended = state.withLock { state in
                if !state.ended { state.waiters.append(continuation) }
                return state.ended
            }
            if ended { continuation.resume() }
        }
    }

    func signal() {
        let waiters = state.withLock { state in
            state.ended = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

import CLinux
import Glibc
import Synchronization

/// One thread that waits for descriptors and timers and runs Swift tasks: it *is* their executor.
///
/// A task pinned to a loop (`addTask(executorPreference: loop)`) resumes on the loop's thread without a hop, a lock
/// or a wake-up. Descriptors and timers are confined to that thread: call ``register(_:interest:handler:)``,
/// ``schedule(_:at:)`` and their kin on the loop only (``isOnLoop``); everything else may be called from any thread.
///
/// The loop lives until ``shutdown()``; it does not stop when the last reference goes.
public final class EventLoop: TaskExecutor, SerialExecutor, @unchecked Sendable {
    // @unchecked: `state` is touched on the loop's thread only (checked in debug builds); what other threads reach
    // is `remote`, behind its mutex, and constants.

    /// A name for the thread, as `top -H` shows it (15 characters at most).
    public let name: String
    private let wakeDescriptor: Int32
    private let remote = Mutex(Remote())
    private let state: LoopState
    private let thread: pthread_t
    private let ended: ThreadEnd
    private let joined = Atomic(false)

    struct Remote {
        var jobs: [LoopJob] = []
        var tenants: [LoopTenant] = []
        var calls: [@Sendable () -> Void] = []
        var signalled = false
        var stopping = false
        var closed = false
    }

    /// Starts a loop on a thread of its own.
    ///
    /// - Parameters:
    ///   - name: Of the thread.
    ///   - precise: Whether it spins through the last 200 µs before a timer instead of sleeping: timers fire within
    ///     microseconds, and may take a whole core.
    public init(name: String = "loads-loop", precise: Bool = false) {
        self.name = name
        wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        precondition(wakeDescriptor >= 0, "eventfd failed: no descriptors left (raise `ulimit -n`)")
        state = LoopState(
            poller: EpollPoller(), wakeDescriptor: wakeDescriptor, spin: precise ? 200_000 : 0)
        ended = ThreadEnd()
        let start = ThreadStart(name: name)
        thread = start.spawn()
        start.begin(self)
    }

    /// The loop whose thread this is, if any.
    public static var current: EventLoop? {
        loads_current_loop().map { Unmanaged<EventLoop>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Whether the caller is on this loop's thread.
    @inline(__always) public var isOnLoop: Bool { loads_current_loop() == Unmanaged.passUnretained(self).toOpaque() }

    // MARK: From any thread

    /// Runs a job on the loop. Called on it, the job comes in its turn, never at once.
    public func enqueue(_ job: consuming ExecutorJob) { enqueue(UnownedJob(job), of: nil) }

    @inline(__always)
    func enqueue(_ job: UnownedJob, of tenant: LoopTenant?) {
        let job = LoopJob(job: job, tenant: tenant.map { Unmanaged.passUnretained($0) })
        if isOnLoop {
            state.jobs.append(job)
            return
        }
        let taken = remote.withLock { remote in
            if remote.closed { return false }
            remote.jobs.append(job)
            remote.wake(wakeDescriptor)
            return true
        }
        // A job for a loop that has ended would be lost, and its task hang for ever: run it where we are.
        if !taken { job.run(asUnownedTaskExecutor()) }
    }

    /// Keeps a tenant for as long as the loop may have jobs of it. From any thread.
    func keep(_ tenant: LoopTenant) {
        remote.withLock { remote in if !remote.closed { remote.tenants.append(tenant) } }
    }

    /// Runs a closure on the loop, soon. Closures run in the order they were submitted from one thread.
    ///
    /// - Returns: Whether the loop took it; false once it has shut down.
    @discardableResult
    public func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
        remote.withLock { remote in
            if remote.closed { return false }
            remote.calls.append(work)
            remote.wake(wakeDescriptor)
            return true
        }
    }

    /// Suspends the caller until a point in time, on the loop's own timer: no thread waits.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled or the loop shuts down.
    public func sleep(until deadline: Instant) async throws {
        let sleeper = Sleeper()
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                if isOnLoop {
                    sleeper.start(on: self, until: deadline, continuation)
                } else if !submit({ sleeper.start(on: self, until: deadline, continuation) }) {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            if !submit({ sleeper.cancel(on: self) }) { return }
        }
    }

    /// Suspends the caller for a duration, on the loop's own timer.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled or the loop shuts down.
    public func sleep(for duration: Duration) async throws { try await sleep(until: .now.advanced(by: duration)) }

    /// Ends the loop: jobs that can run are run, sleepers are cancelled, armed timers fire once, early, handlers of
    /// descriptors are let go, and the thread has ended when this returns. Calling it again is harmless. Must not be
    /// called on the loop itself.
    public func shutdown() async {
        remote.withLock { remote in
            remote.stopping = true
            if !remote.closed { remote.wake(wakeDescriptor) }
        }
        await ended.wait()
        // Exactly one caller may join; the thread is past its last job, so this takes no time.
        if !joined.exchange(true, ordering: .relaxed) { pthread_join(thread, nil) }
    }

    /// How far the loop has fallen behind since the last call; resets the figures. On the loop only.
    public func takeLag() -> LoopLag {
        assertOnLoop()
        return state.takeLag()
    }

    // MARK: On the loop only

    /// Watches a descriptor. The handler is kept until ``deregister(_:)``; the descriptor stays the caller's.
    ///
    /// - Returns: False when the system refuses (descriptor closed, or no watches left).
    @discardableResult
    public func register(_ descriptor: Int32, interest: FileEvents, handler: any FileHandler) -> Bool {
        assertOnLoop()
        return state.register(descriptor, interest, handler)
    }

    /// Changes what a registered descriptor is watched for.
    @discardableResult
    public func update(_ descriptor: Int32, interest: FileEvents) -> Bool {
        assertOnLoop()
        return state.update(descriptor, interest)
    }

    /// Stops watching a descriptor. Call it before the descriptor is closed. An unknown one is left as it is.
    public func deregister(_ descriptor: Int32) {
        assertOnLoop()
        state.deregister(descriptor)
    }

    /// Arms a timer, or moves it if it is armed already.
    ///
    /// While the loop shuts down every timer fires once more, at once; one that arms itself anew then stays idle.
    public func schedule(_ timer: LoopTimer, at deadline: Instant) {
        assertOnLoop()
        if timer.ended { return }
        state.timers.schedule(timer, at: deadline)
    }

    /// Disarms a timer; an idle one is left as it is.
    public func cancel(_ timer: LoopTimer) {
        assertOnLoop()
        state.timers.cancel(timer)
    }

    // MARK: Executor

    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    /// Traps unless the caller is on the loop.
    public func checkIsolated() { precondition(isOnLoop, "not on the event loop \(name)") }
    /// ``isOnLoop``, for the runtime; never nil.
    public func isIsolatingCurrentContext() -> Bool? { isOnLoop }

    // MARK: The thread

    func run() {
        loads_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
        let task = asUnownedTaskExecutor()
        while true {
            state.runJobs(task)
            state.runTimers()
            let idle = state.jobs.isEmpty
            state.poll(block: idle)
            if state.woken {
                state.woken = false
                if drainRemote() { break }
            }
        }
        finish(task)
    }

    /// Takes what other threads sent. Returns whether to stop.
    private func drainRemote() -> Bool {
        var count: UInt64 = 0
        _ = read(wakeDescriptor, &count, 8)
        var calls: [@Sendable () -> Void] = []
        let stopping = remote.withLock { remote in
            state.jobs.append(contentsOf: remote.jobs)
            remote.jobs.removeAll(keepingCapacity: true)
            swap(&calls, &remote.calls)
            remote.signalled = false
            return remote.stopping
        }
        for call in calls { state.timed(call) }
        return stopping
    }

    /// Runs what is left until nothing more comes, then closes the door under the lock so that no job is lost.
    private func finish(_ task: UnownedTaskExecutor) {
        while true {
            state.endTimers()
            state.runJobs(task)
            _ = drainRemote()
            guard state.jobs.isEmpty, state.timers.count == 0 else { continue }
            // Letting go of handlers may resume tasks that they held up: look again afterwards.
            if state.dropHandlers() { continue }
            var tenants: [LoopTenant] = []
            let closed = remote.withLock { remote in
                guard remote.jobs.isEmpty, remote.calls.isEmpty else { return false }
                remote.closed = true
                // Let go of outside the lock.
                swap(&tenants, &remote.tenants)
                return true
            }
            if closed { break }
        }
        loads_set_current_loop(nil)
        state.close()
        close(wakeDescriptor)
        ended.signal()
    }

    private func assertOnLoop() { assert(isOnLoop, "called off the event loop \(name)") }
}

extension EventLoop.Remote {
    /// Wakes the loop unless somebody has. Under the lock: the descriptor is closed after `closed` is set, and a
    /// write after that would go into whatever the system has opened under its number since.
    mutating func wake(_ descriptor: Int32) {
        if signalled { return }
        signalled = true
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }
}

/// Receives the events of a descriptor, on the loop.
public protocol FileHandler: AnyObject {
    /// Called once for each wait that had events of the descriptor. What is left unread is reported again.
    func handle(_ events: FileEvents, on descriptor: Int32)
}

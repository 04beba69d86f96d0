import Glibc

/// What a loop's own thread works on: jobs, timers, descriptors and the measure of its lag.
final class LoopState {
    var jobs: [LoopJob] = []
    var timers = TimerHeap()
    var lag = LoopLag()
    var woken = false
    private var runQueueWait = RunQueueWait()
    private var spare: [LoopJob] = []
    private var handlers: [Watch?] = []
    private var generation: UInt32 = 0
    private let poller: any Poller
    private let wakeDescriptor: Int32

    /// A handler and the number of its registration: an event for an earlier user of the same descriptor is stale.
    private struct Watch {
        let handler: any FileHandler
        let generation: UInt32
        var interest: FileEvents
    }

    private static let wakeToken = UInt64.max
    /// Nanoseconds that jobs may run before the loop looks after everything else.
    private static let longestTurn: Int64 = 5_000_000

    /// When the last wait ended: from then on what happens waits for the next.
    private var turn = Instant.now

    /// Nanoseconds before a timer from which on the loop does not sleep.
    private let spin: Int64

    init(poller: any Poller, wakeDescriptor: Int32, spin: Int64 = 0) {
        self.spin = spin
        self.poller = poller
        self.wakeDescriptor = wakeDescriptor
        jobs.reserveCapacity(1024)
        spare.reserveCapacity(1024)
        _ = poller.add(wakeDescriptor, token: Self.wakeToken, interest: .readable)
    }

    /// Runs the jobs that are there, and those they make, for a few rounds and milliseconds: descriptors, timers and
    /// what other threads send must not starve while thousands of tasks compute.
    func runJobs(_ executor: UnownedTaskExecutor) {
        var rounds = 0
        var limit = Int64.max
        while !jobs.isEmpty && rounds < 4 {
            swap(&jobs, &spare)
            var start = Instant.now
            if rounds == 0 { limit = start.nanoseconds + Self.longestTurn }
            for index in spare.indices {
                let job = spare[index]
                job.run(executor)
                let end = Instant.now
                note(end.nanoseconds(since: start), job.tenant)
                start = end
                if end.nanoseconds > limit {
                    // The rest keeps its place before the jobs that came meanwhile.
                    jobs.insert(contentsOf: spare[(index + 1)...], at: 0)
                    spare.removeAll(keepingCapacity: true)
                    return
                }
            }
            spare.removeAll(keepingCapacity: true)
            rounds += 1
        }
    }

    func runTimers() {
        guard let next = timers.next else { return }
        var now = Instant.now
        guard next <= now else { return }
        // Bounded, so that timers of zero length that arm themselves anew cannot hold the loop.
        var left = timers.count
        while left > 0, let (timer, deadline) = timers.popExpired(now) {
            lag.latestTimer = max(lag.latestTimer, now.nanoseconds(since: deadline))
            timer.action()
            let end = Instant.now
            note(end.nanoseconds(since: now))
            now = end
            left -= 1
        }
    }

    func poll(block: Bool) {
        let now = Instant.now
        noteHeld(now.nanoseconds(since: turn))
        var timeout: Int64 = 0
        let deadline = block ? timers.next : nil
        if block {
            timeout = deadline.map { max(0, $0.nanoseconds(since: now)) } ?? -1
            // Through the last moments it looks again and again, so that neither the kernel's slack nor the way back to
            // a core makes it late.
            if timeout > 0, spin > 0 { timeout = max(0, timeout - spin) }
        }
        // When the wait ended, and the last handler; nil as long as nothing has come.
        var last: Instant?
        poller.wait(timeout: timeout) { token, events in
            let start = last ?? .now
            if last == nil { turn = start }
            last = start
            if token == Self.wakeToken {
                woken = true
                return
            }
            let descriptor = Int(token & 0xffff_ffff)
            guard descriptor < handlers.count, let watch = handlers[descriptor],
                watch.generation == UInt32(token >> 32)
            else { return }
            watch.handler.handle(events, on: Int32(descriptor))
            let end = Instant.now
            note(end.nanoseconds(since: start))
            last = end
        }
        if last == nil { turn = .now }
        // Nothing of its own kept it from waking in time.
        if let deadline, timeout > 0 { noteHeld(turn.nanoseconds(since: deadline)) }
    }

    /// Runs a closure and notes how long it held the loop.
    func timed(_ work: () -> Void) {
        let start = Instant.now
        work()
        note(Instant.now.nanoseconds(since: start))
    }

    func register(_ descriptor: Int32, _ interest: FileEvents, _ handler: any FileHandler) -> Bool {
        let index = Int(descriptor)
        guard index >= 0 else { return false }
        if index >= handlers.count {
            handlers.append(contentsOf: repeatElement(nil, count: index + 64 - handlers.count))
        }
        generation &+= 1
        if generation == .max { generation = 1 }
        let token = UInt64(generation) << 32 | UInt64(descriptor)
        let known = handlers[index] != nil
        handlers[index] = Watch(handler: handler, generation: generation, interest: interest)
        let done =
            known
            ? poller.modify(descriptor, token: token, interest: interest)
                || poller.add(descriptor, token: token, interest: interest)
            : poller.add(descriptor, token: token, interest: interest)
        if !done { handlers[index] = nil }
        return done
    }

    func update(_ descriptor: Int32, _ interest: FileEvents) -> Bool {
        let index = Int(descriptor)
        guard index >= 0, index < handlers.count, let watch = handlers[index] else { return false }
        if watch.interest == interest { return true }
        let token = UInt64(watch.generation) << 32 | UInt64(descriptor)
        guard poller.modify(descriptor, token: token, interest: interest) else { return false }
        handlers[index]!.interest = interest
        return true
    }

    func deregister(_ descriptor: Int32) {
        let index = Int(descriptor)
        guard index >= 0, index < handlers.count, handlers[index] != nil else { return }
        handlers[index] = nil
        poller.remove(descriptor)
    }

    /// Fires all timers early, for the last time.
    func endTimers() {
        for timer in timers.removeAll() {
            timer.ended = true
            timer.action()
        }
    }

    /// Lets go of all handlers. Returns whether there were any.
    func dropHandlers() -> Bool {
        let dropped = handlers
        handlers = []
        return dropped.contains { $0 != nil }
    }

    /// The lag since the last call.
    func takeLag() -> LoopLag {
        var taken = lag
        lag = LoopLag()
        let waited = runQueueWait.sinceLastCall()
        taken.waited = waited
        // A thread that had to wait for a core was held up by the machine: no body is to blame for that.
        if taken.longJobs > 0 && waited > taken.longestJob / 2 {
            taken.longJobs = 0
            taken.holders = [:]
        }
        return taken
    }

    func close() {
        runQueueWait.close()
        poller.close()
    }

    @inline(__always) private func note(_ nanoseconds: Int64, _ tenant: Unmanaged<LoopTenant>? = nil) {
        if nanoseconds > lag.longestJob { lag.longestJob = nanoseconds }
        if nanoseconds > LoopLag.longJobThreshold { noteLong(nanoseconds, tenant) }
    }

    /// A time in which the loop looked after nothing new.
    @inline(__always) private func noteHeld(_ nanoseconds: Int64) {
        if nanoseconds > LoopLag.heldThreshold { lag.held += nanoseconds - LoopLag.heldThreshold }
    }

    @inline(never) private func noteLong(_ nanoseconds: Int64, _ tenant: Unmanaged<LoopTenant>?) {
        lag.longJobs += 1
        guard let name = tenant?.takeUnretainedValue().holder else { return }
        lag.holders.add(LoopHold(count: 1, longest: nanoseconds), to: name)
    }
}

/// A job and whose it is.
struct LoopJob {
    let job: UnownedJob
    /// Unretained: the loop keeps its tenants until no job of theirs can come any more.
    let tenant: Unmanaged<LoopTenant>?

    /// Runs the job on the executor it was enqueued on: the tenant's, or the loop's own.
    @inline(__always) func run(_ loop: UnownedTaskExecutor) {
        // Not `isolatedTo:` the loop as a serial executor: the runtime then takes each call of a nonisolated function for
        // a switch, and enqueues the job anew (10 times a request). Actors on the loop are right all the same: one thread
        // runs them, and `checkIsolated` says so.
        job.runSynchronously(on: tenant.map { $0._withUnsafeGuaranteedRef { $0.asUnownedTaskExecutor() } } ?? loop)
    }
}

import LoadsEventLoop
import Synchronization

/// One event loop of a run with what is counted there.
final class Lane: @unchecked Sendable {
    // @unchecked: `sleeping` and `recorder` are touched on the loop's thread only.
    let loop: EventLoop
    let recorder: Recorder
    /// Counts what belongs to the warm-up; nil without one.
    private let warmUpRecorder: Recorder?
    /// When the warm-up ends.
    private var warmUpEnd = Instant(nanoseconds: .min)
    private let warmUp: Duration
    private var sleeping: [ObjectIdentifier: Nap] = [:]
    private let counters: LiveCounters.Slot
    private let before: (started: Int, ended: Int)

    /// - Parameters:
    ///   - number: The lane's place among the loops of the run.
    ///   - byScenario: Whether the iterations of each scenario are counted apart, too.
    init(
        number: Int, loop: EventLoop, start: Instant, plan: Plan, registry: NameRegistry, counters: LiveCounters,
        byScenario: Bool
    ) {
        self.loop = loop
        self.counters = counters.slot(number)
        before = (self.counters.started, self.counters.ended)
        func recorder() -> Recorder {
            Recorder(
                start: start, plan: plan, registry: registry, counters: counters, slot: number,
                byScenario: byScenario)
        }
        self.recorder = recorder()
        warmUp = plan.warmUp
        warmUpRecorder = warmUp > .zero ? recorder() : nil
    }

    /// Iterations started and ended here in this run. From any thread, even while the loop is held up.
    var tally: (started: Int, ended: Int) { (counters.started - before.started, counters.ended - before.ended) }

    /// A user's wait between iterations: a timer that ends early when the run does.
    private final class Nap: @unchecked Sendable {
        // @unchecked: confined to the loop's thread.
        let user: VirtualUser
        var continuation: UnsafeContinuation<Void, Never>?
        var timer: LoopTimer?
        init(_ user: VirtualUser) { self.user = user }
    }

    /// Suspends a user until a point in time, or until it is woken.
    func nap(until deadline: Instant, _ user: VirtualUser, _ control: RunControl) async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            if loop.isOnLoop {
                begin(continuation, deadline, user, control)
            } else if !loop.submit({ self.begin(continuation, deadline, user, control) }) {
                continuation.resume()
            }
        }
    }

    private func begin(
        _ continuation: UnsafeContinuation<Void, Never>, _ deadline: Instant, _ user: VirtualUser, _ control: RunControl
    ) {
        if control.isStopping || user.mayLeave || user.hasEnded {
            continuation.resume()
            return
        }
        let nap = Nap(user)
        nap.continuation = continuation
        let timer = LoopTimer { [self, unowned nap] in end(nap) }
        nap.timer = timer
        sleeping[ObjectIdentifier(nap)] = nap
        loop.schedule(timer, at: deadline)
    }

    private func end(_ nap: Nap) {
        sleeping[ObjectIdentifier(nap)] = nil
        if let timer = nap.timer { loop.cancel(timer) }
        nap.timer = nil
        nap.continuation?.resume()
        nap.continuation = nil
    }

    /// Ends all naps. From any thread.
    func wakeAll() {
        loop.submit { [self] in
            for nap in Array(sleeping.values) { end(nap) }
        }
    }

    /// Ends the naps of these users. From any thread.
    func wake(_ users: Set<ObjectIdentifier>) {
        loop.submit { [self] in
            for nap in Array(sleeping.values) where users.contains(ObjectIdentifier(nap.user)) { end(nap) }
        }
    }

    /// Says when the run begins. On the loop only.
    func start(at start: Instant) {
        recorder.start = start
        warmUpRecorder?.start = start
        if warmUp > .zero { warmUpEnd = start.advanced(by: warmUp) }
        // What the preparation cost is not the load's.
        _ = loop.takeLag()
    }

    /// Who counts an iteration that starts, or was to start, at a point in time. On the loop only.
    func recorder(at start: Instant) -> Recorder {
        if let warmUpRecorder, start < warmUpEnd { return warmUpRecorder }
        return recorder
    }

    /// Whether batches carry every hit from now on. On the loop only.
    func setRawHits(_ wanted: Bool) {
        recorder.wantsRawHits = wanted
        warmUpRecorder?.wantsRawHits = wanted
    }

    /// Runs a closure on the loop and waits for its result.
    func onLoop<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withUnsafeContinuation { continuation in
            loop.submit { continuation.resume(returning: body()) }
        }
    }

    /// What was counted since the last call, by second of the run, with the loop's lag in the last one: there is always
    /// one. On the loop only.
    func takeSeconds() -> [Int: Batch] {
        var batches = recorder.takeSeconds()
        if let warmUpRecorder { batches.addWarmUp(warmUpRecorder.takeSeconds()) }
        let passed = Double(Instant.now.nanoseconds(since: recorder.start)) / 1e9
        let last = batches.keys.max() ?? Batch.second(from: passed, to: passed)
        batches[last, default: Batch()].statistics.health.lag = loop.takeLag()
        return batches
    }
}

extension [Int: Batch] {
    /// Adds to the batches of seconds what was counted of the warm-up in these seconds, as such.
    package mutating func addWarmUp(_ warmUp: [Int: Batch]) {
        for (second, apart) in warmUp {
            var batch = self[second] ?? Batch()
            // Whoever watches sees all hits.
            batch.hits.append(contentsOf: apart.hits)
            batch.statistics.health.droppedHits += apart.statistics.health.droppedHits
            var statistics = apart.statistics
            statistics.health = GeneratorHealth()
            if !Batch(statistics: statistics).isEmpty { batch.statistics.warmUp = statistics }
            self[second] = batch
        }
    }
}

import LoadsEventLoop
import Synchronization

/// The one place where a run is told to end. From any thread.
final class RunControl: Sendable {
    /// Read before every iteration; relaxed, since it guards no data: seeing it one iteration late is harmless.
    private let stopping = Atomic<Bool>(false)
    /// Whether running iterations were cancelled because somebody had stopped the run. Relaxed: whoever was cancelled asks.
    private let cancelling = Atomic<Bool>(false)
    private let state = Mutex(State())
    /// Users that tests have ended. Relaxed: read after the run.
    private let ended = Atomic<Int>(0)

    private struct State {
        var interrupted = false
        var stoppedAt: Instant?
        var aborted = false
        var observers: [@Sendable () -> Void] = []
    }

    var isStopping: Bool { stopping.load(ordering: .relaxed) }
    var wasInterrupted: Bool { state.withLock { $0.interrupted } }
    var isAborted: Bool { state.withLock { $0.aborted } }
    /// Whether what is cancelled is so because somebody stopped the run, and not because it was too slow for the plan's grace.
    var cancelsStopped: Bool { cancelling.load(ordering: .relaxed) }

    /// Running iterations are about to be cancelled.
    func cancels() { if wasInterrupted { cancelling.store(true, ordering: .relaxed) } }

    /// When somebody asked to stop.
    var stoppedAt: Instant? { state.withLock { $0.stoppedAt } }

    /// Users that tests have ended so far.
    var endedUsers: Int { ended.load(ordering: .relaxed) }

    func userEnded() { ended.add(1, ordering: .relaxed) }

    func stop(interrupted: Bool) {
        let observers = state.withLock { state -> [@Sendable () -> Void] in
            if interrupted { state.interrupted = true }
            guard state.stoppedAt == nil else { return [] }
            state.stoppedAt = .now
            return state.observers
        }
        stopping.store(true, ordering: .relaxed)
        for observer in observers { observer() }
    }

    func abort() {
        state.withLock { $0.aborted = true }
        stop(interrupted: true)
    }

    /// Calls a closure when the run is told to stop; at once if it has been.
    func onStop(_ observer: @escaping @Sendable () -> Void) {
        let late = state.withLock { state in
            state.observers.append(observer)
            return state.stoppedAt != nil
        }
        if late { observer() }
    }

    /// Lets go of whoever is called when the run is told to stop: it has ended.
    func forget() { state.withLock { $0.observers = [] } }

    /// Sleeps for a duration, or until the run is told to stop.
    func sleep(_ duration: Duration, on clock: EventLoop) async {
        await sleep(until: .now.advanced(by: duration), on: clock)
    }

    /// Sleeps until a point in time, or until the run is told to stop.
    ///
    /// - Parameter isOver: What ends it before, too; asked every 20 ms.
    func sleep(until end: Instant, on clock: EventLoop, unless isOver: () -> Bool = { false }) async {
        while !isStopping, !isOver() {
            let left = end.nanoseconds(since: .now)
            if left <= 0 { return }
            try? await clock.sleep(for: .nanoseconds(min(left, 20_000_000)))
        }
    }
}

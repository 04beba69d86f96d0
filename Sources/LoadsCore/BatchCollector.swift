import Glibc
import LoadsEventLoop
import Synchronization

/// Brings the loops' deltas together ten times a second. A loop that is held up delays its own delta, not the others'.
final class BatchCollector: Sendable {
    private let lanes: [Lane]
    private let clock: EventLoop
    private let start: Instant
    private let users: @Sendable () -> Int
    private let onBatch: @Sendable (Batch) -> Void
    private let state: Mutex<State>
    /// What the process had spent before the run: starting up is not the load's cost.
    private let spentBefore = usage().cpuSeconds

    private struct State {
        var pending = Batch()
        /// How far the batches so far reach, in seconds since the start.
        var reach = 0.0
        /// Whether a loop has been asked and has not answered yet.
        var asked: [Bool]
        /// Loops that have handed over their last delta, or from which none is taken any more.
        var closed: [Bool]
        /// What each loop has reported.
        var reported: [IterationCounts]

        mutating func take(_ batch: Batch, of index: Int) {
            guard !closed[index] else { return }
            reported[index].merge(batch.statistics.allIterations)
            pending.merge(batch)
        }
    }

    /// - Parameters:
    ///   - clock: The loop on whose time batches are made; none of the users'.
    ///   - start: Time 0 of the run.
    init(
        lanes: [Lane], clock: EventLoop, start: Instant, users: @escaping @Sendable () -> Int,
        onBatch: @escaping @Sendable (Batch) -> Void
    ) {
        self.lanes = lanes
        self.clock = clock
        self.start = start
        self.users = users
        self.onBatch = onBatch
        state = Mutex(
            State(
                asked: lanes.map { _ in false }, closed: lanes.map { _ in false },
                reported: lanes.map { _ in IterationCounts() }))
    }

    /// Hands over a batch every 100 ms until the task is cancelled.
    func tick() async {
        while !Task.isCancelled {
            try? await clock.sleep(for: .milliseconds(80))
            for index in lanes.indices { ask(index) }
            // The loops answer within their turn; what comes later goes with the next batch.
            try? await clock.sleep(for: .milliseconds(20))
            deliver()
        }
    }

    /// Hands over the rest, once all users have ended or have been given up.
    ///
    /// - Parameter stuck: Loops with iterations left behind. Such a loop may be held up for ever: it gets a second.
    /// - Returns: Iterations left behind; they are reported as interrupted.
    func finish(stuck: Set<Int>) async -> Int {
        // Closures run in the order of their submission: all that was counted, and every earlier answer, is before.
        for index in lanes.indices { close(index) }
        var left = 0
        for index in lanes.indices {
            let patience = Instant.now.advanced(by: stuck.contains(index) ? .seconds(1) : .seconds(60))
            while !isClosed(index), Instant.now < patience { try? await clock.sleep(for: .milliseconds(1)) }
            left += leftBehind(index)
        }
        deliver()
        return left
    }

    private func isClosed(_ index: Int) -> Bool { state.withLock { $0.closed[index] } }

    private func ask(_ index: Int) {
        let free = state.withLock { state in
            defer { state.asked[index] = true }
            return !state.asked[index]
        }
        guard free else { return }
        let lane = lanes[index]
        lane.loop.submit { [self] in
            let batch = lane.takeBatch()
            state.withLock { state in
                state.take(batch, of: index)
                state.asked[index] = false
            }
        }
    }

    private func close(_ index: Int) {
        let lane = lanes[index]
        lane.loop.submit { [self] in
            let batch = lane.takeBatch()
            state.withLock { state in
                state.take(batch, of: index)
                state.closed[index] = true
            }
        }
    }

    /// Counts the iterations of a loop that did not end as interrupted.
    ///
    /// What a loop that does not answer has counted since its last delta is lost but for its counters: so that the sums
    /// hold, the iterations among it count as interrupted, too.
    private func leftBehind(_ index: Int) -> Int {
        state.withLock { state in
            let reported = state.reported[index]
            let tally = state.closed[index] ? (reported.started, reported.ended) : lanes[index].tally
            state.pending.statistics.iterations.started += tally.0 - reported.started
            state.pending.statistics.iterations.interrupted += tally.0 - reported.ended
            state.closed[index] = true
            return tally.0 - tally.1
        }
    }

    private func deliver() {
        var batch = state.withLock { state in
            var batch = Batch()
            swap(&batch, &state.pending)
            batch.from = state.reach
            state.reach = max(state.reach, Double(Instant.now.nanoseconds(since: start)) / 1e9)
            batch.to = state.reach
            return batch
        }
        batch.statistics.users = users()
        batch.statistics.health.orphanFailures += OrphanFailures.take()
        let usage = Self.usage()
        batch.statistics.health.cpuSeconds = max(0, usage.cpuSeconds - spentBefore)
        batch.statistics.health.peakResidentBytes = usage.peakResidentBytes
        onBatch(batch)
    }

    /// CPU seconds and the most memory of this process so far.
    static func usage() -> (cpuSeconds: Double, peakResidentBytes: Int) {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        let micros = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
        return (seconds + micros / 1e6, usage.ru_maxrss * 1024)
    }
}

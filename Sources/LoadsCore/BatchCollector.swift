import Glibc
import LoadsEventLoop
import Synchronization

/// Brings the loops' deltas together ten times a second. A loop that is held up delays its own delta, not the others'.
final class BatchCollector: Sendable {
    private let lanes: [Lane]
    private let users: @Sendable () -> Int
    private let onBatch: @Sendable (Batch) -> Void
    private let state: Mutex<State>

    private struct State {
        var pending = Batch()
        /// Whether a loop has been asked and has not answered yet.
        var asked: [Bool]
    }

    init(
        lanes: [Lane], users: @escaping @Sendable () -> Int,
        onBatch: @escaping @Sendable (Batch) -> Void
    ) {
        self.lanes = lanes
        self.users = users
        self.onBatch = onBatch
        state = Mutex(State(asked: Array(repeating: false, count: lanes.count)))
    }

    /// Hands over a batch every 100 ms until the task is cancelled.
    func tick() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(80))
            for index in lanes.indices { ask(index) }
            // The loops answer within their turn; what comes later goes with the next batch.
            try? await Task.sleep(for: .milliseconds(20))
            deliver()
        }
    }

    /// Hands over the rest, once all users have ended.
    ///
    /// - Parameter abandoned: For each loop with iterations left behind on it, how many. Such a loop may be held up
    ///   for ever: it gets a second to answer.
    func finish(abandoned: [Int: Int]) async {
        for index in lanes.indices {
            ask(index)
            let patience = Instant.now.advanced(by: abandoned[index] == nil ? .seconds(60) : .seconds(1))
            while isAsked(index), Instant.now < patience { try? await Task.sleep(for: .milliseconds(1)) }
            // An answer to an earlier question may have come first: ask for what was counted after it.
            ask(index)
            while isAsked(index), Instant.now < patience { try? await Task.sleep(for: .milliseconds(1)) }
        }
        let left = abandoned.values.reduce(0, +)
        if left > 0 { state.withLock { $0.pending.statistics.iterations.interrupted += left } }
        deliver()
    }

    private func isAsked(_ index: Int) -> Bool { state.withLock { $0.asked[index] } }

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
                state.pending.merge(batch)
                state.asked[index] = false
            }
        }
    }

    private func deliver() {
        var batch = state.withLock { state in
            var batch = Batch()
            swap(&batch, &state.pending)
            return batch
        }
        batch.statistics.users = users()
        batch.statistics.health.orphanFailures += OrphanFailures.take()
        let usage = Self.usage()
        batch.statistics.health.cpuSeconds = usage.cpuSeconds
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

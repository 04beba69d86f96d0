import Glibc
import LoadsEventLoop
import Synchronization

/// Brings the loops' deltas together ten times a second, at the tenths of the run's time: no batch reaches over the end of a
/// second. A loop that is held up delays its own delta, not the others'; only the end of a second waits for it, for a moment.
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
        var cutter = BatchCutter()
        /// Users that ran when the last batch was handed over.
        var users = 0
        /// Whether a loop has been asked and has not answered yet.
        var asked: [Bool]
        /// Loops that were waited for in vain and have not answered since.
        var mute: [Bool]
        /// Loops that have handed over their last delta, or from which none is taken any more.
        var closed: [Bool]
        /// What each loop has reported.
        var reported: [IterationCounts]

        /// Whether a loop may yet say something about the time until now.
        var waits: Bool { asked.indices.contains { asked[$0] && !mute[$0] } }

        mutating func take(_ batches: [Int: Batch], of index: Int) {
            guard !closed[index] else { return }
            for batch in batches.values { reported[index].merge(batch.statistics.allIterations) }
            cutter.take(batches)
        }
    }

    /// Between two batches, in nanoseconds.
    private static let interval: Int64 = 100_000_000
    /// How long the loops may take to answer.
    private static let turn = Duration.milliseconds(20)
    /// How long the end of a second waits for a loop that is held up: whoever judges the second is to know all of it.
    private static let patience = Duration.seconds(1)

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
                asked: lanes.map { _ in false }, mute: lanes.map { _ in false }, closed: lanes.map { _ in false },
                reported: lanes.map { _ in IterationCounts() }))
    }

    /// Hands over a batch every 100 ms until the task is cancelled.
    func tick() async {
        var time = Self.interval
        while true {
            do {
                try await clock.sleep(until: start.advanced(by: .nanoseconds(time)))
                for index in lanes.indices { ask(index) }
                // The loops answer within their turn; what comes later goes with the next batch.
                try await clock.sleep(for: Self.turn)
                if state.withLock({ $0.cutter.endsSecond(at: time) }) { try await answers() }
            } catch {
                return
            }
            deliver { $0.cut(at: time) }
            let now = max(0, Instant.now.nanoseconds(since: start))
            time = max(time + Self.interval, (now / Self.interval + 1) * Self.interval)
        }
    }

    /// Waits until all loops have said what they have counted.
    private func answers() async throws {
        let end = Instant.now.advanced(by: Self.patience)
        while state.withLock({ $0.waits }), Instant.now < end { try await clock.sleep(for: .milliseconds(2)) }
        state.withLock { state in
            for index in state.asked.indices where state.asked[index] { state.mute[index] = true }
        }
    }

    /// Hands over the rest, once all users have ended or have been given up.
    ///
    /// - Parameters:
    ///   - stuck: Loops with iterations left behind. Such a loop may be held up for ever: it gets a second.
    ///   - count: Counts iterations that were left behind.
    /// - Returns: Iterations left behind; they are reported as interrupted.
    func finish(stuck: Set<Int>, count: (Int, inout Statistics) -> Void) async -> Int {
        // Closures run in the order of their submission: all that was counted, and every earlier answer, is before.
        for index in lanes.indices { close(index) }
        var left = 0
        for index in lanes.indices {
            let patience = Instant.now.advanced(by: stuck.contains(index) ? .seconds(1) : .seconds(60))
            while !isClosed(index), Instant.now < patience { try? await clock.sleep(for: .milliseconds(1)) }
            left += leftBehind(index, count)
        }
        let time = Instant.now.nanoseconds(since: start)
        deliver { $0.finish(at: time) }
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
            let batches = lane.takeSeconds()
            state.withLock { state in
                state.take(batches, of: index)
                state.asked[index] = false
                state.mute[index] = false
            }
        }
    }

    private func close(_ index: Int) {
        let lane = lanes[index]
        lane.loop.submit { [self] in
            let batches = lane.takeSeconds()
            state.withLock { state in
                state.take(batches, of: index)
                state.closed[index] = true
            }
        }
    }

    /// Counts the iterations of a loop that did not end as interrupted.
    ///
    /// What a loop that does not answer has counted since its last delta is lost but for its counters: so that the sums
    /// hold, the iterations among it count as interrupted, too.
    private func leftBehind(_ index: Int, _ count: (Int, inout Statistics) -> Void) -> Int {
        state.withLock { state in
            let reported = state.reported[index]
            let tally = state.closed[index] ? (reported.started, reported.ended) : lanes[index].tally
            state.cutter.update { batch in
                batch.statistics.iterations.started += tally.0 - reported.started
                batch.statistics.iterations.interrupted += tally.0 - reported.ended
                count(tally.0 - tally.1, &batch.statistics)
            }
            state.closed[index] = true
            return tally.0 - tally.1
        }
    }

    private func deliver(_ cut: (inout BatchCutter) -> [Batch]) {
        let users = users()
        var (batches, before) = state.withLock { state in
            defer { state.users = users }
            return (cut(&state.cutter), state.users)
        }
        let last = batches.count - 1
        // What ended in a second that is over ended beside those who ran then: the next stage may have begun.
        for index in batches.indices { batches[index].statistics.users = index == last ? users : before }
        batches[last].statistics.health.orphanFailures += OrphanFailures.take()
        let usage = Self.usage()
        batches[last].statistics.health.cpuSeconds = max(0, usage.cpuSeconds - spentBefore)
        batches[last].statistics.health.peakResidentBytes = usage.peakResidentBytes
        for batch in batches { onBatch(batch) }
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

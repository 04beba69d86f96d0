import Glibc
import LoadsCore
import LoadsWire
import Synchronization

/// Sends reports to the agent from a thread of its own: users never wait for the pipe. While the pipe is full, batches
/// merge into one; raw hits beyond a bound are counted as dropped.
final class ReportWriter: @unchecked Sendable {
    // @unchecked: the state is behind the pthread mutex; the pointers are constants.
    private let descriptor: Int32
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: [RunnerReport] = []
    private var closing = false
    private var finished = false

    /// Raw hits that may wait for the pipe.
    static let rawHitLimit = 500_000
    /// How long a full pipe is waited for at the end.
    private static let patience = 10

    init(descriptor: Int32) {
        self.descriptor = descriptor
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        BackgroundThread.start(name: "loads-reports") { [self] in run() }
    }

    func send(_ batch: Batch) { send(.batch(batch)) }

    func send(_ report: RunnerReport) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if closing { return }
        if case .batch(let batch) = report, case .batch(var waiting)? = queue.last {
            queue.removeLast()
            waiting.merge(batch)
            let excess = waiting.hits.count - Self.rawHitLimit
            if excess > 0 {
                waiting.hits.removeLast(excess)
                waiting.statistics.health.droppedHits += excess
            }
            queue.append(.batch(waiting))
        } else {
            queue.append(report)
        }
        pthread_cond_broadcast(condition)
    }

    /// Waits until everything is written, or the agent is gone, or it has not read for ten seconds.
    func close() {
        pthread_mutex_lock(mutex)
        closing = true
        pthread_cond_broadcast(condition)
        var limit = timespec()
        clock_gettime(CLOCK_REALTIME, &limit)
        limit.tv_sec += Self.patience
        while !finished {
            if pthread_cond_timedwait(condition, mutex, &limit) == ETIMEDOUT { break }
        }
        pthread_mutex_unlock(mutex)
    }

    private func run() {
        while let report = take() {
            guard report.encoded().allSatisfy({ write(FrameParser.frame($0)) }) else { break }
        }
        Glibc.close(descriptor)
        pthread_mutex_lock(mutex)
        closing = true
        finished = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    private func take() -> RunnerReport? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while queue.isEmpty && !closing { pthread_cond_wait(condition, mutex) }
        return queue.isEmpty ? nil : queue.removeFirst()
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { raw in
            var offset = 0
            while offset < raw.count {
                let count = Glibc.write(descriptor, raw.baseAddress! + offset, raw.count - offset)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { return false }
                offset += count
            }
            return true
        }
    }
}

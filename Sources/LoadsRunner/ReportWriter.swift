import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsWire

/// Sends reports to the agent from a thread of its own: users never wait for the pipe.
final class ReportWriter: @unchecked Sendable {
    // @unchecked: the state is behind the pthread mutex; the pointers are constants.
    private let descriptor: Int32
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var outbox = Outbox()
    private var closing = false
    private var finished = false
    /// When the pipe last took something.
    private var lastProgress = Instant.now

    /// How long an agent that does not read is waited for at the end. One that is gone is not waited for at all.
    private static let patience = Duration.seconds(60)

    init(descriptor: Int32) {
        self.descriptor = descriptor
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        BackgroundThread.start(name: "loads-reports") { [self] in run() }
    }

    func send(_ report: RunnerReport) {
        pthread_mutex_lock(mutex)
        if !closing { outbox.append(report) }
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Waits until everything is written, or the agent is gone, or it has not read for a minute.
    func close() {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        closing = true
        lastProgress = .now
        pthread_cond_broadcast(condition)
        while !finished && lastProgress.advanced(by: Self.patience) > .now {
            var limit = timespec()
            clock_gettime(CLOCK_REALTIME, &limit)
            limit.tv_sec += 1
            pthread_cond_timedwait(condition, mutex, &limit)
        }
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
        while outbox.isEmpty && !closing { pthread_cond_wait(condition, mutex) }
        return outbox.next()
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { raw in
            var offset = 0
            while offset < raw.count {
                let count = Glibc.write(descriptor, raw.baseAddress! + offset, raw.count - offset)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { return false }
                offset += count
                pthread_mutex_lock(mutex)
                lastProgress = .now
                pthread_mutex_unlock(mutex)
            }
            return true
        }
    }
}

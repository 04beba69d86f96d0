import Glibc
import LoadsEventLoop
import Synchronization

/// A thread for one user whose bodies block: an executor that runs that user's jobs and nobody else's.
final class UserThread: TaskExecutor, @unchecked Sendable {
    // @unchecked: the queue is behind the pthread mutex; the pointers are constants.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [UnownedJob] = []
    private var stopped = false

    /// Enough for a test's body, small enough for thousands of users; only touched pages are resident.
    private static let stackSize = 512 * 1024

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        // Behind a pointer: whose member `pthread_attr_t()` is depends on which C module the compiler loads first.
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { attributes.deallocate() }
        pthread_attr_init(attributes)
        pthread_attr_setstacksize(attributes, Self.stackSize)
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, attributes,
            { argument in
                Unmanaged<UserThread>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        // Not a precondition: its message would be missing in a release build.
        if result != 0 {
            fatalError(
                "no thread for a user: \(String(cString: strerror(result))) (fewer users, or raise `ulimit -u`)")
        }
        pthread_attr_destroy(attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        let late = stopped
        if !late { jobs.append(job) }
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
        // The user is done; what its leftovers still want runs where they are, so that nothing hangs.
        if late { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    /// Ends the thread once its queue is empty.
    func shutdown() {
        pthread_mutex_lock(mutex)
        stopped = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    private func run() {
        let executor = asUnownedTaskExecutor()
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty && !stopped { pthread_cond_wait(condition, mutex) }
            let batch = jobs
            jobs.removeAll(keepingCapacity: true)
            let done = batch.isEmpty && stopped
            pthread_mutex_unlock(mutex)
            if done { return }
            for job in batch { job.runSynchronously(on: executor) }
        }
    }
}

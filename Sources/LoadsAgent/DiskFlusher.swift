import CLinux
import Glibc

/// Flushes files to the disk on a thread of its own: a slow disk holds up no loop.
final class DiskFlusher: @unchecked Sendable {
    // @unchecked: the state is behind the pthread mutex; the pointer is a constant.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var waiting: [Int32] = []
    private var running = false

    init() {
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Flushes a file and closes its descriptor. A disk that does not keep up is asked less often.
    func flush(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        pthread_mutex_lock(mutex)
        if waiting.count < 64 { waiting.append(descriptor) } else { close(descriptor) }
        let start = !running
        running = true
        pthread_mutex_unlock(mutex)
        if start { begin() }
    }

    /// The thread ends when there is nothing to do: it holds the flusher, which then may go.
    private func begin() {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let flusher = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, &attributes,
            { argument in
                loads_name_thread("loads-flush")
                Unmanaged<DiskFlusher>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, flusher.toOpaque())
        pthread_attr_destroy(&attributes)
        // Without a thread the system writes by itself, later.
        if result != 0 { flusher.takeRetainedValue().run() }
    }

    private func run() {
        while let descriptor = take() {
            fdatasync(descriptor)
            close(descriptor)
        }
    }

    private func take() -> Int32? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !waiting.isEmpty else {
            running = false
            return nil
        }
        return waiting.removeFirst()
    }
}

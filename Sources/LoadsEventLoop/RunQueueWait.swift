import Glibc

/// How long the system let the calling thread wait for a core, from `/proc/thread-self/schedstat` (its second number, in
/// nanoseconds; Documentation/scheduler/sched-stats.rst). To be used on one thread.
struct RunQueueWait {
    private var descriptor: Int32 = -1
    private var total: Int64 = 0

    /// Nanoseconds waited since the last call; 0 at the first, and where the kernel keeps no such figure.
    mutating func sinceLastCall() -> Int64 {
        let first = descriptor < 0
        if first { descriptor = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { return 0 }
        var text = [UInt8](repeating: 0, count: 96)
        let count = pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return 0 }
        let numbers = text[..<count].split(separator: UInt8(ascii: " "))
        guard numbers.count > 1, let now = Int64(String(decoding: numbers[1], as: UTF8.self)) else { return 0 }
        defer { total = now }
        return first ? 0 : now - total
    }

    mutating func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }
}

import Glibc
import LoadsCore
import LoadsWire

/// A runner's live counters in a file, read by an agent that comes after the one that was killed.
final class SharedCounters {
    let counters: LiveCounters
    private let base: UnsafeMutableRawPointer

    /// - Returns: Nil when there is no such file, or none of that size.
    init?(path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var information = stat()
        // A shorter file would be a fault of the bus when it is read.
        guard fstat(descriptor, &information) == 0, Int(information.st_size) >= LiveCounters.byteCount,
            let base = mmap(nil, LiveCounters.byteCount, PROT_READ, MAP_SHARED, descriptor, 0), base != MAP_FAILED
        else { return nil }
        self.base = base
        counters = LiveCounters(base: base)
    }

    deinit { munmap(base, LiveCounters.byteCount) }
}

extension LiveCounters {
    var counts: ReportCounts { ReportCounts(started: started, ended: ended, hits: hits) }
}

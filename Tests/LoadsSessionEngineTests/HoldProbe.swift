import Glibc
import LoadsEventLoop

/// How long a loop was held up at most by what runs on it: computing or waiting, but not the time in which the machine
/// kept the loop's thread waiting for a core, which a busy machine does to every thread.
///
/// A timer of 1 ms looks at the clock and at the thread's own account (`/proc/thread-self/schedstat`, its second number).
final class HoldProbe: @unchecked Sendable {
    // @unchecked: touched on the loop only.
    private(set) var longest: Int64 = 0
    private let loop: EventLoop
    private let account = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
    private var timer: LoopTimer?
    private var last: (now: Int64, waited: Int64) = (0, 0)

    private static let interval: Int64 = 1_000_000

    /// Starts. On the loop.
    init(_ loop: EventLoop) {
        self.loop = loop
        last = reading()
        let timer = LoopTimer { [weak self] in self?.look() }
        self.timer = timer
        loop.schedule(timer, at: .now.advanced(by: .nanoseconds(Self.interval)))
    }

    deinit { close(account) }

    /// Ends, with a last look. On the loop.
    func end() -> Int64 {
        look()
        if let timer { loop.cancel(timer) }
        timer = nil
        return longest
    }

    private func look() {
        let reading = reading()
        longest = max(longest, reading.now - last.now - (reading.waited - last.waited) - Self.interval)
        last = reading
        if let timer { loop.schedule(timer, at: .now.advanced(by: .nanoseconds(Self.interval))) }
    }

    private func reading() -> (now: Int64, waited: Int64) {
        var text = [UInt8](repeating: 0, count: 96)
        let count = max(0, pread(account, &text, text.count, 0))
        let numbers = text[..<count].split(separator: UInt8(ascii: " "))
        let waited = numbers.count > 1 ? Int64(String(decoding: numbers[1], as: UTF8.self)) : nil
        return (Instant.now.nanoseconds, waited ?? 0)
    }
}

import CLinux
import Foundation
import Glibc
import Synchronization

/// SIGINT and SIGTERM, passed on to whoever knows what they mean at the moment.
///
/// Before a run begins they end the process.
final class Interrupts: Sendable {
    private let handler: Mutex<@Sendable (_ count: Int) -> Void>

    /// - Parameter handler: Called on a thread of its own with how many there have been so far.
    init(handler: @escaping @Sendable (_ count: Int) -> Void) {
        self.handler = Mutex(handler)
        var ends: [Int32] = [-1, -1]
        guard loads_pipe(&ends) == 0 else { return }
        let source = ends[0]
        _ = loads_fcntl_int(ends[1], F_SETFL, O_NONBLOCK)
        loads_pass_signals(ends[1])
        let thread = Thread { [self] in
            var count = 0
            var byte: UInt8 = 0
            while true {
                let taken = read(source, &byte, 1)
                if taken == 1 {
                    count += 1
                    let handler = self.handler.withLock { $0 }
                    handler(count)
                } else if taken == 0 || errno != EINTR {
                    return
                }
            }
        }
        thread.name = "loads-signals"
        thread.start()
    }

    /// Replaces what happens.
    func handle(_ handler: @escaping @Sendable (_ count: Int) -> Void) { self.handler.withLock { $0 = handler } }
}

import CLinux
import Synchronization

/// Several loops, one a core by default, handed out in turn.
public final class EventLoopGroup: Sendable {
    /// All of them, in the order in which ``next()`` hands them out.
    public let loops: [EventLoop]
    private let turn = Atomic<Int>(0)

    /// Starts the loops.
    ///
    /// - Parameters:
    ///   - count: How many; nil is one for each core this process may use.
    ///   - precise: Whether they spin before a timer; see ``EventLoop/init(name:precise:)``.
    public init(count: Int? = nil, precise: Bool = false) {
        loops = (0..<max(1, count ?? Self.availableCores)).map {
            EventLoop(name: "loads-loop-\($0)", precise: precise)
        }
    }

    /// The loops in turn. The order between threads does not matter, hence relaxed.
    public func next() -> EventLoop {
        let index = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: index) % UInt(loops.count))]
    }

    /// Ends all loops; see ``EventLoop/shutdown()``.
    public func shutdown() async {
        for loop in loops { await loop.shutdown() }
    }

    /// The cores this process may use (its affinity mask).
    public static var availableCores: Int { Int(loads_available_cores()) }
}

import CLinux
import Glibc
import LoadsEventLoop
import Synchronization

/// The server's part on one loop: accepts connections and keeps them. Confined to its loop, but for its counts.
final class Worker: FileHandler, @unchecked Sendable {
    // @unchecked: `connections`, `pause`, `random` and `queues` are touched on the loop only; `scratch` is a constant pointer
    // whose bytes are used there only; `served` has its mutex.
    let loop: EventLoop
    /// Where a connection reads to before it takes what came.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private let listener: Int32
    private let started: Instant
    private let total: @Sendable () -> Counts
    private var connections: [Int32: Connection] = [:]
    private var pause: LoopTimer?
    private var random = SplitMix64(state: .random(in: 0 ... .max))
    private let served = Mutex(Counts())
    /// By places and nanoseconds of work.
    private var queues: [[Int64]: Queue] = [:]

    init(loop: EventLoop, listener: Int32, started: Instant, total: @escaping @Sendable () -> Counts) {
        self.loop = loop
        self.listener = listener
        self.started = started
        self.total = total
    }

    deinit { scratch.deallocate() }

    var counts: Counts { served.withLock { $0 } }

    func count(_ body: (inout Counts) -> Void) { served.withLock { body(&$0) } }

    func start() { loop.register(listener, interest: .readable, handler: self) }

    func stop() {
        loop.deregister(listener)
        if let pause { loop.cancel(pause) }
        for connection in Array(connections.values) { connection.close() }
    }

    func surroundings() -> Script.Surroundings {
        Script.Surroundings(
            age: Instant.now.nanoseconds(since: started), chance: Double.random(in: 0..<1, using: &random),
            queue: { [unowned self] places, work in
                queues[[Int64(places), work], default: Queue(places: places)].delay(
                    work: work, now: Instant.now.nanoseconds)
            },
            counts: total)
    }

    func forget(_ descriptor: Int32) {
        connections[descriptor] = nil
        count { $0.open -= 1 }
    }

    func handle(_ events: FileEvents, on descriptor: Int32) {
        // Bounded, so that a storm of new clients does not keep the others waiting.
        for _ in 0..<64 {
            let client = loads_accept(listener)
            guard client >= 0 else {
                if errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM { rest() }
                return
            }
            var one: Int32 = 1
            setsockopt(client, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
            let connection = Connection(client, self)
            connections[client] = connection
            count {
                $0.connections += 1
                $0.open += 1
            }
            if !loop.register(client, interest: .readable, handler: connection) { connection.close() }
        }
    }

    /// Out of descriptors: the listener would stay readable and keep the loop spinning.
    private func rest() {
        loop.update(listener, interest: [])
        let timer = LoopTimer { [unowned self] in loop.update(listener, interest: .readable) }
        pause = timer
        loop.schedule(timer, at: .now.advanced(by: .milliseconds(100)))
    }
}

/// Steele, Lea and Flood's generator: the system's costs a system call a number.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

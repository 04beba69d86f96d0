import CZeroMQ
import Synchronization

/// What all ZeroMQ sockets of a process share: libzmq's I/O thread and its limits.
///
/// One is enough for a process: ``shared``. Others are for tests and for those who embed Loads and want to see
/// everything gone: ``end()``.
public final class ZeroMQContext: Sendable {
    /// The process's context. It lives as long as the process.
    public static let shared = ZeroMQContext()

    // nonisolated(unsafe): libzmq's contexts may be used by all threads.
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer
    /// Keys of the masters in this context.
    let authenticator = Authenticator()
    private let names = Atomic<Int>(0)

    public init() {
        guard let handle = zmq_ctx_new() else {
            preconditionFailure("no ZeroMQ context: no descriptors left (raise `ulimit -n`)")
        }
        self.handle = handle
        zmq_ctx_set(handle, ZMQ_IO_THREADS, 1)
        // An agent takes six sockets with those that watch over the connections; a test holds a thousand agents.
        zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, 16_384)
    }

    deinit {
        // The last socket has gone, so this waits for nothing but what is still leaving, a moment at most.
        zmq_ctx_shutdown(handle)
        authenticator.stop()
        zmq_ctx_term(handle)
    }

    /// A name for an `inproc` endpoint or a domain of authentication, of which there is no other in the context.
    func uniqueName(_ kind: String) -> String { "\(kind)-\(names.wrappingAdd(1, ordering: .relaxed).newValue)" }
}

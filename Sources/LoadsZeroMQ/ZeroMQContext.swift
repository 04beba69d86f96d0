import CZeroMQ
import Glibc
import Synchronization

/// What all ZeroMQ sockets of a process share: libzmq's I/O thread and its limits.
///
/// One is enough for a process: ``shared``. A program that closed its transports calls ``end()`` as its last act, so that
/// their last words leave before the process does.
public final class ZeroMQContext: Sendable {
    /// The process's context.
    public static let shared = ZeroMQContext()

    // nonisolated(unsafe): libzmq's contexts may be used by all threads.
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer
    /// Keys of the masters in this context.
    let authenticator = Authenticator()
    private let names = Atomic<Int>(0)
    private let openSockets = Atomic<Int>(0)
    private let hasEnded = Atomic(false)

    /// A context of its own, beside the shared one.
    public init() {
        guard let handle = zmq_ctx_new() else {
            preconditionFailure("no ZeroMQ context: no descriptors left (raise `ulimit -n`)")
        }
        self.handle = handle
        zmq_ctx_set(handle, ZMQ_IO_THREADS, 1)
        // An agent takes six sockets with those that watch over the connections; a test holds a thousand agents.
        zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, 16_384)
    }

    deinit { terminate() }

    /// Ends the context: waits, half a second at most, until what closed transports sent has left. No transport can be
    /// opened in it any more.
    ///
    /// - Returns: False when a transport is still open: then nothing happens.
    @discardableResult
    public func end() async -> Bool {
        guard openSockets.load(ordering: .acquiring) == 0 else { return false }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            // On a thread of its own: it blocks.
            let work = Unmanaged.passRetained(
                Closure {
                    self.terminate()
                    continuation.resume()
                })
            var thread = pthread_t()
            let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
                Unmanaged<Closure>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }
            if pthread_create(&thread, nil, run, work.toOpaque()) == 0 {
                pthread_detach(thread)
            } else {
                work.takeRetainedValue().run()
            }
        }
        return true
    }

    /// A name for an `inproc` endpoint or a domain of authentication, of which there is no other in the context.
    func uniqueName(_ kind: String) -> String { "\(kind)-\(names.wrappingAdd(1, ordering: .relaxed).newValue)" }

    /// Makes a socket; nil when there are no descriptors left, or the context has ended.
    func makeSocket(_ type: Int32) -> UnsafeMutableRawPointer? {
        // Counted first, so that an end that comes meanwhile sees it.
        openSockets.add(1, ordering: .acquiringAndReleasing)
        if !hasEnded.load(ordering: .acquiring), let socket = zmq_socket(handle, type) { return socket }
        openSockets.subtract(1, ordering: .releasing)
        return nil
    }

    func close(_ socket: UnsafeMutableRawPointer) {
        zmq_close(socket)
        openSockets.subtract(1, ordering: .releasing)
    }

    private func terminate() {
        if hasEnded.exchange(true, ordering: .acquiringAndReleasing) { return }
        // All sockets are closed, but for the authenticator's, whose wait this ends.
        zmq_ctx_shutdown(handle)
        authenticator.stop()
        zmq_ctx_term(handle)
    }

    private final class Closure {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }
}

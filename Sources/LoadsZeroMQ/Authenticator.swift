import CZeroMQ
import Glibc
import LoadsTransport
import Synchronization

/// Answers libzmq's question whether a key may connect (ZAP, https://rfc.zeromq.org/spec/27/), before the peer can say
/// anything. One for each context, on a thread of its own, since it reads files.
final class Authenticator: Sendable {
    /// Who may come to one of a master's sockets.
    struct Gate: Sendable {
        let ring: KeyRing
        let roles: Set<PeerRole>
        /// The channel's name, for people.
        let channel: String
        /// Called on the authenticator's thread.
        let refused: @Sendable (String) -> Void
    }

    private struct State {
        var gates: [String: Gate] = [:]
        var thread: pthread_t?
    }

    private let state = Mutex(State())

    /// Opens a gate for the sockets of a domain.
    ///
    /// - Throws: ``TransportError`` with code `system`.
    func add(_ gate: Gate, domain: String, in context: UnsafeMutableRawPointer) throws(TransportError) {
        let failure = state.withLock { state -> TransportError? in
            if state.thread == nil {
                do throws(TransportError) { state.thread = try start(context) } catch { return error }
            }
            state.gates[domain] = gate
            return nil
        }
        if let failure { throw failure }
    }

    func remove(domain: String) { state.withLock { $0.gates[domain] = nil } }

    /// Waits for the thread, which ends when its context is shut down.
    func stop() {
        guard let thread = state.withLock({ $0.thread }) else { return }
        pthread_join(thread, nil)
    }

    /// Binds before it returns: a connection that came earlier would be turned away for want of an answer.
    private func start(_ context: UnsafeMutableRawPointer) throws(TransportError) -> pthread_t {
        guard let socket = zmq_socket(context, ZMQ_REP) else { throw Socket.systemError("no socket for the keys") }
        guard loads_zmq_set_int(socket, ZMQ_LINGER, 0) == 0, zmq_bind(socket, "inproc://zeromq.zap.01") == 0 else {
            defer { zmq_close(socket) }
            throw Socket.systemError("the keys cannot be checked")
        }
        let work = Unmanaged.passRetained(Work(authenticator: self, socket: socket))
        var thread = pthread_t()
        guard pthread_create(&thread, nil, Self.run, work.toOpaque()) == 0 else {
            work.release()
            zmq_close(socket)
            throw Socket.systemError("no thread for the keys")
        }
        return thread
    }

    private final class Work {
        let authenticator: Authenticator
        let socket: UnsafeMutableRawPointer
        init(authenticator: Authenticator, socket: UnsafeMutableRawPointer) {
            self.authenticator = authenticator
            self.socket = socket
        }
    }

    private static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        let work = Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue()
        // Signals belong to whoever asked for them.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        let frames = FrameSocket(work.socket)
        while let request = frames.receive() {
            guard let request = ZAPRequest(request) else { continue }
            frames.send(work.authenticator.answer(request))
        }
        zmq_close(work.socket)
        return nil
    }

    private func answer(_ request: ZAPRequest) -> [[UInt8]] {
        guard let gate = state.withLock({ $0.gates[request.domain] }) else {
            return request.refusal("this master is closed")
        }
        guard let key = request.key else {
            gate.refused("\(request.address) was turned away at \(gate.channel): it has no CURVE key")
            return request.refusal("no CURVE key")
        }
        guard let identity = gate.ring.identity(of: key) else {
            gate.refused("\(request.address) was turned away at \(gate.channel): nobody here knows its key \(key)")
            return request.refusal("unknown key")
        }
        guard !identity.roles.isDisjoint(with: gate.roles) else {
            let roles = identity.roles.map(\.rawValue).sorted().joined(separator: ", ")
            gate.refused(
                "\(request.address) was turned away at \(gate.channel): its key \(identity.key ?? "") is for: \(roles)")
            return request.refusal("not for this role")
        }
        return request.acceptance(identity)
    }
}

/// Messages of any number of frames on a socket of this thread.
private struct FrameSocket {
    private let socket: UnsafeMutableRawPointer
    init(_ socket: UnsafeMutableRawPointer) { self.socket = socket }

    /// Waits for a message; nil when the context has ended.
    func receive() -> [[UInt8]]? {
        var frames: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 1_024)
        repeat {
            var count: Int32 = 0
            repeat { count = zmq_recv(socket, &buffer, buffer.count, 0) } while count < 0 && zmq_errno() == EINTR
            if count < 0 { return nil }
            frames.append(Array(buffer.prefix(Int(count))))
        } while loads_zmq_get_int(socket, ZMQ_RCVMORE) == 1
        return frames
    }

    func send(_ frames: [[UInt8]]) {
        for (index, frame) in frames.enumerated() {
            _ = frame.withUnsafeBytes {
                zmq_send(socket, $0.baseAddress, $0.count, index + 1 < frames.count ? ZMQ_SNDMORE : 0)
            }
        }
    }
}

import CZeroMQ
import Glibc
import LoadsEventLoop
import LoadsTransport

/// A ZeroMQ socket on an event loop; every call is made there.
///
/// `ZMQ_FD` says only that *something* may have happened, once; what it was says `ZMQ_EVENTS`, and every send and
/// receive may swallow the hint. So the events are asked after each of them, and until they are nought.
final class Socket: FileHandler {
    enum Outcome { case sent, full, gone }

    /// A message as it came: the frame before the content is a peer's routing, a topic or nothing.
    struct Message {
        var front: [UInt8] = []
        var content: [UInt8] = []
        /// What the authentication found out, in a socket with keys.
        var user: String?
    }

    let kind: SocketKind
    let loop: EventLoop
    /// Called with each message.
    var received: ((Message) -> Void)?
    /// Called when a message may be sent again after one was refused.
    var writable: (() -> Void)?
    /// Whether the peers' names are known.
    var hasUsers = false
    /// Messages with another number of frames than the channel's.
    private(set) var malformed = 0

    private let context: ZeroMQContext
    private(set) var handle: UnsafeMutableRawPointer?
    private let frame: UnsafeMutablePointer<zmq_msg_t>
    private let descriptor: Int32
    private var isScheduled = false
    private var isInTurn = false
    private var wantsToWrite = false

    /// Messages and bytes taken in one turn of the loop, so that timers and other descriptors are not starved.
    private static let turn = (messages: 128, bytes: 4 << 20)

    /// - Throws: ``TransportError`` with code `system` when there are no descriptors left.
    init(_ kind: SocketKind, on loop: EventLoop, _ context: ZeroMQContext) throws(TransportError) {
        self.kind = kind
        self.loop = loop
        self.context = context
        guard let handle = context.makeSocket(kind.type) else { throw Self.systemError("no socket") }
        let descriptor = loads_zmq_get_int(handle, ZMQ_FD)
        guard kind.configure(handle), descriptor >= 0 else {
            defer { context.close(handle) }
            throw Self.systemError("no options for a socket")
        }
        self.handle = handle
        self.descriptor = descriptor
        frame = .allocate(capacity: 1)
        zmq_msg_init(frame)
    }

    deinit {
        if let handle { context.close(handle) }
        zmq_msg_close(frame)
        frame.deallocate()
    }

    /// Begins to hand over messages.
    func start() throws(TransportError) {
        guard loop.register(descriptor, interest: .readable, handler: self) else {
            throw Self.systemError("the socket cannot be watched")
        }
        // What happened before the registration gives no new hint.
        schedule()
    }

    /// Closes the socket; what was sent has ``SocketKind/linger`` to leave.
    func close() {
        guard let handle else { return }
        loop.deregister(descriptor)
        self.handle = nil
        received = nil
        writable = nil
        context.close(handle)
    }

    /// Closes the socket; what was sent and has not left is given up.
    func drop() {
        if let handle { _ = loads_zmq_set_int(handle, ZMQ_LINGER, 0) }
        close()
    }

    /// Sends a message of one frame, or of two.
    func send(_ content: [UInt8], behind front: [UInt8]? = nil) -> Outcome {
        guard let handle else { return .gone }
        defer { look() }
        if let front {
            guard put(front, ZMQ_SNDMORE, handle) else { return refusal() }
        }
        // Behind a first frame that was taken this one is, too: libzmq reserves the place, or drops both.
        return put(content, 0, handle) ? .sent : refusal()
    }

    func handle(_ events: FileEvents, on descriptor: Int32) { takeTurn() }

    static func systemError(_ what: String) -> TransportError {
        let reason = String(cString: zmq_strerror(zmq_errno()))
        return TransportError(
            code: .system, message: "ZeroMQ: \(what): \(reason) (are there descriptors left? see `ulimit -n`)")
    }

    private func put(_ bytes: [UInt8], _ flags: Int32, _ handle: UnsafeMutableRawPointer) -> Bool {
        while true {
            let sent = bytes.withUnsafeBytes { zmq_send(handle, $0.baseAddress, $0.count, flags | ZMQ_DONTWAIT) }
            if sent >= 0 { return true }
            if zmq_errno() != EINTR { return false }
        }
    }

    private func refusal() -> Outcome {
        guard zmq_errno() == EAGAIN else { return .gone }
        wantsToWrite = true
        return .full
    }

    /// Looks whether a call swallowed the hint that something can be done.
    private func look() {
        guard !isInTurn, !isScheduled, let handle else { return }
        let events = loads_zmq_get_int(handle, ZMQ_EVENTS)
        guard events > 0 else { return }
        if events & ZMQ_POLLIN != 0 || (wantsToWrite && events & ZMQ_POLLOUT != 0) { schedule() }
    }

    private func schedule() {
        if isScheduled { return }
        isScheduled = true
        // On the loop only; the wrapper is the proof's price, since the closure may not carry a mere reference.
        let socket = Confined(self)
        loop.submit { socket.value.takeTurn(scheduled: true) }
    }

    private func takeTurn(scheduled: Bool = false) {
        if scheduled { isScheduled = false }
        guard !isInTurn else { return }
        isInTurn = true
        defer { isInTurn = false }
        var left = Self.turn
        while left.messages > 0, left.bytes > 0 {
            guard let handle else { return }
            let events = loads_zmq_get_int(handle, ZMQ_EVENTS)
            // Negative: the context has ended.
            guard events > 0 else { return }
            var idle = true
            if wantsToWrite, events & ZMQ_POLLOUT != 0 {
                wantsToWrite = false
                left.messages -= 1
                idle = false
                writable?()
            }
            if events & ZMQ_POLLIN != 0 {
                idle = false
                while left.messages > 0, left.bytes > 0, let size = takeMessage() {
                    left.messages -= 1
                    left.bytes -= size
                }
            }
            if idle { return }
        }
        schedule()
    }

    /// Receives one message and hands it over. Returns its size; nil when there is none.
    private func takeMessage() -> Int? {
        guard let handle else { return nil }
        var message = Message()
        var size = 0
        var count = 0
        repeat {
            // A message comes as a whole: only before its first frame can there be nothing.
            guard receiveFrame(handle) else { return nil }
            count += 1
            size += zmq_msg_size(frame)
            // More than expected is dropped here, before it is copied.
            if count <= kind.frames {
                if kind.frames == 2, count == 1 { message.front = bytes() } else { message.content = bytes() }
            }
        } while zmq_msg_more(frame) != 0
        guard count == kind.frames else {
            malformed += 1
            return size
        }
        if hasUsers, let user = zmq_msg_gets(frame, "User-Id") { message.user = String(cString: user) }
        received?(message)
        return size
    }

    private func receiveFrame(_ handle: UnsafeMutableRawPointer) -> Bool {
        while zmq_msg_recv(frame, handle, ZMQ_DONTWAIT) < 0 {
            if zmq_errno() != EINTR { return false }
        }
        return true
    }

    private func bytes() -> [UInt8] {
        let count = zmq_msg_size(frame)
        guard count > 0, let data = zmq_msg_data(frame) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: data, count: count))
    }
}

/// Carries something that is confined to a loop through a `@Sendable` closure to that loop.
struct Confined<Value>: @unchecked Sendable {
    // @unchecked: whoever makes one hands it to the value's own loop only.
    let value: Value
    init(_ value: Value) { self.value = value }
}

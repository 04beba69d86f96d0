import CZeroMQ
import LoadsTransport
import LoadsWire

/// The sockets of the three channels, with what each may hold and how it finds out that its peer is gone.
///
/// A high-water mark counts messages for each peer, on each side; beyond both TCP holds the sender.
///
/// Libzmq 4.3.4 ends the whole process (`!_io_error`, its issues 4364, 3937 and 4767) when a connection that has as much
/// unread as its mark allows is cut and then there is a heartbeat to be sent or answered: anybody who sends more than the
/// mark, a `PING` and a reset could end a master that is busy for a moment. So a master has no mark for what it reads.
/// What holds the agents of a master that is behind is above ZeroMQ: an agent sends no more than a window ahead of the
/// acknowledgements, and nothing to a master that it has not heard of for a while.
enum SocketKind: Sendable {
    /// Control, at the master. A peer that takes nothing more is refused: the caller is told.
    case router
    /// Control, at agents and clients. What libzmq does not take waits in the transport's own bounded buffer.
    case dealer
    /// Results, at the master. An agent's window bounds what waits to be read.
    case pull
    /// Results, at an agent. Beyond the mark it is refused, and the agent is told when to go on.
    case push
    /// The stream, at the master. Beyond the mark a subscriber misses messages, and slows nobody.
    case publisher
    /// The stream, at a subscriber.
    case subscriber
    /// Watches over the connections of another socket.
    case monitor
    /// Asks whether a key may connect.
    case reply

    var type: Int32 {
        switch self {
        case .router: ZMQ_ROUTER
        case .dealer: ZMQ_DEALER
        case .pull: ZMQ_PULL
        case .push: ZMQ_PUSH
        case .publisher: ZMQ_XPUB
        case .subscriber: ZMQ_SUB
        case .monitor: ZMQ_PAIR
        case .reply: ZMQ_REP
        }
    }

    /// Frames of a message as the socket hands it over, the peer's routing among them.
    var frames: Int {
        switch self {
        case .router, .subscriber, .monitor: 2
        case .dealer, .pull, .push, .publisher, .reply: 1
        }
    }

    /// Messages that may wait to leave for one peer. Those of the stream have 256 KiB at most, so that a subscriber that
    /// does not read costs the master 64 MiB, and the kernel what it holds for a connection; a smaller mark would lose
    /// messages whenever the I/O thread gets no CPU.
    private var sendMark: Int32 {
        switch self {
        case .push: 32
        case .publisher: 256
        default: 1_000
        }
    }

    /// Messages of one peer that may wait to be read; 0 is no limit.
    private var receiveMark: Int32 {
        switch self {
        case .router, .dealer, .pull, .publisher: 0
        default: 1_000
        }
    }

    /// The longest message that may come; a peer that sends a longer one is cut off.
    private var longestMessage: Int64 {
        switch self {
        // Subscriptions are all that comes here.
        case .publisher: 4_096
        default: Int64(WireLimits.messageBytes) + 4_096
        }
    }

    /// Milliseconds that a closed socket tries to get rid of what was sent.
    static var linger: Int32 { 500 }

    /// Sets all options that do not depend on an address or a key.
    func configure(_ handle: UnsafeMutableRawPointer) -> Bool {
        var options: [(Int32, Int32)] = [
            (ZMQ_LINGER, self == .monitor || self == .reply ? 0 : Self.linger),
            (ZMQ_SNDHWM, sendMark), (ZMQ_RCVHWM, receiveMark),
        ]
        if self != .monitor && self != .reply {
            options += [
                (ZMQ_BACKLOG, 1_024),
                (ZMQ_RECONNECT_IVL, 100), (ZMQ_RECONNECT_IVL_MAX, 2_000), (ZMQ_CONNECT_TIMEOUT, 5_000),
                (ZMQ_HANDSHAKE_IVL, 5_000),
                (ZMQ_TCP_KEEPALIVE, 1), (ZMQ_TCP_KEEPALIVE_IDLE, 30), (ZMQ_TCP_KEEPALIVE_INTVL, 10),
                (ZMQ_TCP_KEEPALIVE_CNT, 3),
            ]
            guard loads_zmq_set_int64(handle, ZMQ_MAXMSGSIZE, longestMessage) == 0 else { return false }
        }
        // On control a connection that is gone without a word is noticed by heartbeats. Who is held up reads no results
        // and no stream, and answers no heartbeat there either: there TCP gives up what is not confirmed
        // (TCP_USER_TIMEOUT).
        switch self {
        case .router, .dealer:
            options += [(ZMQ_HEARTBEAT_IVL, 2_000), (ZMQ_HEARTBEAT_TIMEOUT, 6_000), (ZMQ_HEARTBEAT_TTL, 6_000)]
        case .monitor, .reply: break
        case .pull, .push, .publisher, .subscriber: options += [(ZMQ_TCP_MAXRT, 30_000)]
        }
        switch self {
        case .router: options += [(ZMQ_ROUTER_MANDATORY, 1)]
        // Nothing is queued to a connection that does not stand: it would be lost with it.
        case .push, .dealer: options += [(ZMQ_IMMEDIATE, 1)]
        default: break
        }
        return options.allSatisfy { loads_zmq_set_int(handle, $0, $1) == 0 }
    }
}

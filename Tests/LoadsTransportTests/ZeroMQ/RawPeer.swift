import CZeroMQ
import Glibc
import TestSupport

/// A bare ZeroMQ socket in a context of its own, which sends what it is told; blocking, with limits.
final class RawPeer: @unchecked Sendable {
    // @unchecked: used by one test at a time.
    private let context = zmq_ctx_new()
    private let socket: UnsafeMutableRawPointer?

    init(_ type: Int32, _ endpoint: String, routing: String? = nil, receiveMark: Int32 = 1_000) {
        socket = zmq_socket(context, type)
        for (option, value) in [(ZMQ_LINGER, 0), (ZMQ_SNDTIMEO, 20_000), (ZMQ_RCVHWM, receiveMark)] as [(Int32, Int32)]
        {
            _ = loads_zmq_set_int(socket, option, value)
        }
        if let routing { zmq_setsockopt(socket, ZMQ_ROUTING_ID, routing, routing.utf8.count) }
        zmq_connect(socket, endpoint)
    }

    func subscribe(_ prefix: String) { zmq_setsockopt(socket, ZMQ_SUBSCRIBE, prefix, prefix.utf8.count) }

    func send(_ frames: [[UInt8]]) -> Bool {
        for (index, frame) in frames.enumerated() {
            let more = index + 1 < frames.count ? ZMQ_SNDMORE : 0
            if frame.withUnsafeBytes({ zmq_send(socket, $0.baseAddress, $0.count, more) }) < 0 { return false }
        }
        return true
    }

    /// A message that is there; nil when there is none.
    func receive(capacity: Int = 65_536) -> [[UInt8]]? {
        var frames: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: capacity)
        repeat {
            let count = zmq_recv(socket, &buffer, buffer.count, ZMQ_DONTWAIT)
            if count < 0 { return nil }
            frames.append(Array(buffer.prefix(Int(count))))
        } while loads_zmq_get_int(socket, ZMQ_RCVMORE) == 1
        return frames
    }

    func close() {
        zmq_close(socket)
        zmq_ctx_term(context)
    }
}

/// A bare TCP connection to a port of 127.0.0.1.
struct TCPClient {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw SupportError("no connection: \(String(cString: strerror(errno)))") }
    }

    /// The other side may have closed already: that is not the test's concern.
    func write(_ bytes: [UInt8]) { _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    func close() { _ = Glibc.close(descriptor) }

    /// Closes with a reset.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }

    /// The greeting of ZMTP 3.0 without security (https://rfc.zeromq.org/spec/23/), as a socket of some type.
    func greet(as type: String) {
        let greeting: [UInt8] = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0] + Array("NULL".utf8)
        write(greeting + [UInt8](repeating: 0, count: 64 - greeting.count))
        let ready =
            [5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, UInt8(type.utf8.count)]
            + Array(type.utf8)
        write([4, UInt8(ready.count)] + ready)
    }
}

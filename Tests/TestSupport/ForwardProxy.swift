import CLinux
import Glibc
import Synchronization

/// A proxy for tests: HTTP (absolute targets and CONNECT) and SOCKS5 (no authentication) on one port of 127.0.0.1.
///
/// A thread for each connection and direction; it notes what it was asked for, and dials 127.0.0.1 whatever the host.
public final class ForwardProxy: Sendable {
    public let port: Int
    private let listener: Int32
    private let log = Mutex<[String]>([])

    /// `GET http://…`, `CONNECT host:port` or `SOCKS host:port`, in order.
    public var requests: [String] { log.withLock { $0 } }

    public init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        port = try Ports.free()
        var address = Ports.loopback(port)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard bound, listen(listener, 64) == 0 else { throw SupportError("the proxy cannot listen on \(port)") }
        inThread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                if client < 0 { return }
                inThread { self.serve(client) }
            }
        }
    }

    /// Takes no more connections.
    public func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func serve(_ client: Int32) {
        defer { close(client) }
        guard let first = readBytes(client, 1)?.first else { return }
        if first == 5 { return socks(client) }
        var head: [UInt8] = [first]
        while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
            guard head.count < 65536, let byte = readBytes(client, 1) else { return }
            head += byte
        }
        let words = head.prefix { $0 != 13 }.split(separator: 32).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 3 else { return }
        log.withLock { $0.append("\(words[0]) \(words[1])") }
        if words[0] == "CONNECT" {
            guard let server = dial(words[1]) else { return }
            send(client, Array("HTTP/1.1 200 Connected\r\n\r\n".utf8))
            pump(client, server)
        } else {
            guard words[1].hasPrefix("http://") else { return }
            let rest = words[1].dropFirst(7)
            let authority = rest.prefix { $0 != "/" }
            guard let server = dial(String(authority)) else { return }
            let line = "\(words[0]) \(rest.dropFirst(authority.count)) \(words[2])"
            send(server, Array(line.utf8) + head.drop { $0 != 13 })
            pump(client, server)
        }
    }

    private func socks(_ client: Int32) {
        guard let methods = readBytes(client, 1)?.first, readBytes(client, Int(methods)) != nil else { return }
        send(client, [5, 0])
        guard let request = readBytes(client, 4) else { return }
        var host: String
        switch request[3] {
        case 1:
            guard let address = readBytes(client, 4) else { return }
            host = address.map(String.init).joined(separator: ".")
        case 3:
            guard let count = readBytes(client, 1)?.first, let name = readBytes(client, Int(count)) else { return }
            host = String(decoding: name, as: UTF8.self)
        default: return
        }
        guard let port = readBytes(client, 2) else { return }
        host += ":\(Int(port[0]) << 8 | Int(port[1]))"
        log.withLock { $0.append("SOCKS \(host)") }
        guard let server = dial(host) else { return }
        send(client, [5, 0, 0, 1, 127, 0, 0, 1, 0, 0])
        pump(client, server)
    }

    private func dial(_ authority: String) -> Int32? {
        let port = authority.split(separator: ":").last.flatMap { Int($0) } ?? 80
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        var address = Ports.loopback(port)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if connected { return server }
        close(server)
        return nil
    }

    /// Copies both ways until both sides have ended.
    private func pump(_ client: Int32, _ server: Int32) {
        let done = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(done, 0, 0)
        let box = Gate(done)
        inThread { [self] in
            copy(server, client)
            sem_post(box.gate)
        }
        copy(client, server)
        sem_wait(done)
        close(server)
        sem_destroy(done)
        done.deallocate()
    }

    private func copy(_ from: Int32, _ to: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = read(from, &buffer, buffer.count), count > 0 { send(to, Array(buffer[..<count])) }
        shutdown(to, Int32(SHUT_WR))
    }

    private func send(_ descriptor: Int32, _ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    private func readBytes(_ descriptor: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + have, count - have) }
            if got <= 0 { return nil }
            have += got
        }
        return bytes
    }

    private struct Gate: @unchecked Sendable {
        // @unchecked: a semaphore is made for threads.
        let gate: UnsafeMutablePointer<sem_t>
        init(_ gate: UnsafeMutablePointer<sem_t>) { self.gate = gate }
    }
}

/// Runs a closure that blocks on a thread of its own.
private func inThread(_ work: @escaping @Sendable () -> Void) {
    final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(Work(work)).toOpaque()
    pthread_create(
        &thread, nil,
        { argument in
            Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        }, argument)
    pthread_detach(thread)
}

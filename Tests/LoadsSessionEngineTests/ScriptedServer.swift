import Glibc
import Synchronization

/// A server on the loopback whose every connection is played by a closure, on a thread of its own: for what no proper
/// server does.
final class ScriptedServer: Sendable {
    let port: Int
    private let listener: Int32
    private let accepted = Atomic<Int>(0)

    /// The connections made so far.
    var connections: Int { accepted.load(ordering: .acquiring) }
    var url: String { "http://127.0.0.1:\(port)" }

    /// - Parameter v6: Listens on ::1 and not on 127.0.0.1.
    init(v6: Bool = false, _ script: @escaping @Sendable (ServerConnection) -> Void) {
        listener = socket(v6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var port: in_port_t = 0
        if v6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_addr = in6addr_loopback
            port = Self.bind(listener, &address).sin6_port
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
            port = Self.bind(listener, &address).sin_port
        }
        self.port = Int(in_port_t(bigEndian: port))
        listen(listener, 512)
        let (listener, server) = (listener, Unmanaged.passUnretained(self))
        // The accepting thread must not keep the server alive, but needs its counter: closing waits for the thread.
        Self.thread { [gone] in
            while case let descriptor = accept(listener, nil, nil), descriptor >= 0 {
                let number = server.takeUnretainedValue().accepted.add(1, ordering: .acquiringAndReleasing).newValue
                Self.thread {
                    let connection = ServerConnection(descriptor: descriptor, number: number)
                    script(connection)
                    connection.close()
                }
            }
            sem_post(gone.pointer)
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        sem_wait(gone.pointer)
        close(listener)
    }

    private let gone = Gate()

    private final class Gate: @unchecked Sendable {
        // @unchecked: a semaphore is made to be used from any thread.
        let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        init() { sem_init(pointer, 0, 0) }
        deinit { pointer.deallocate() }
    }

    private static func bind<Address>(_ listener: Int32, _ address: inout Address) -> Address {
        var length = socklen_t(MemoryLayout<Address>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                precondition(Glibc.bind(listener, generic, length) == 0, "cannot bind to the loopback")
                getsockname(listener, generic, &length)
            }
        }
        return address
    }

    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(Work(body)).toOpaque())
        precondition(code == 0, "no thread")
        pthread_detach(thread)
    }
}

/// One connection of a ``ScriptedServer``, on its own thread.
final class ServerConnection: @unchecked Sendable {
    // @unchecked: used by its one thread.
    let descriptor: Int32
    /// From 1, in the order of arrival.
    let number: Int
    private var pending: [UInt8] = []
    private var isOpen = true

    struct Request: Sendable {
        var head: String
        var body: [UInt8] = []
        /// As counted on the wire.
        var size: Int

        var line: String { String(head.prefix { !$0.isNewline }) }
        func has(_ header: String) -> Bool { head.lowercased().contains("\r\n\(header.lowercased()):") }
    }

    init(descriptor: Int32, number: Int) {
        self.descriptor = descriptor
        self.number = number
    }

    /// Reads a head and the body it announces; nil when the client has closed.
    func request() -> Request? {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
            guard let byte = bytes(1)?.first else { return nil }
            head.append(byte)
        }
        var request = Request(head: String(decoding: head, as: UTF8.self), size: head.count)
        let lower = request.head.lowercased()
        if let start = lower.range(of: "content-length: ") {
            let count = Int(lower[start.upperBound...].prefix { $0.isNumber }) ?? 0
            guard let body = bytes(count) else { return nil }
            request.body = body
            request.size += count
        } else if lower.contains("transfer-encoding: chunked") {
            while true {
                var line: [UInt8] = []
                while !line.suffix(2).elementsEqual([13, 10]) {
                    guard let byte = bytes(1)?.first else { return nil }
                    line.append(byte)
                }
                let count = Int(String(decoding: line.dropLast(2), as: UTF8.self), radix: 16) ?? 0
                guard let chunk = bytes(count + 2) else { return nil }
                request.body += chunk.dropLast(2)
                request.size += line.count + count + 2
                if count == 0 { break }
            }
        }
        return request
    }

    /// Reads so many bytes; nil when the client has closed before.
    func bytes(_ count: Int) -> [UInt8]? {
        while pending.count < count {
            var buffer = [UInt8](repeating: 0, count: 65536)
            let got = recv(descriptor, &buffer, buffer.count, 0)
            guard got > 0 else { return nil }
            pending += buffer[..<got]
        }
        let taken = Array(pending.prefix(count))
        pending.removeFirst(count)
        return taken
    }

    /// Whether all of it was taken by the system.
    @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    func respond(_ body: String, status: String = "200 OK", headers: String = "") {
        send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
    }

    /// Waits until the client closes.
    func awaitClose() { while bytes(1) != nil {} }

    /// Waits until the client closes, without reading anything.
    func awaitHangUp() {
        let hangUp: Int16 = 0x2000  // POLLRDHUP, which Glibc does not export to Swift.
        var poll = pollfd(fd: descriptor, events: hangUp, revents: 0)
        while Glibc.poll(&poll, 1, -1) < 0, errno == EINTR {}
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    /// Ends it with a reset instead of a proper close.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<String.Index>? { firstRange(of: text) }
}

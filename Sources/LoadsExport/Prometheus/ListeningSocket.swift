import Glibc
import Synchronization

/// A TCP socket that listens: opened before a run, so that a port in use is found out at once.
public final class ListeningSocket: Sendable {
    /// Where, with the port that was given for 0.
    public let address: HostPort
    let descriptor: Int32
    private let isOpen = Atomic(true)

    /// - Parameter address: An IPv4 or IPv6 address of this machine, or a name of one; port 0 is a free one.
    /// - Throws: ``ExportError`` when nobody can listen there.
    public init(_ address: HostPort) throws(ExportError) {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(address.host, "\(address.port)", &hints, &found)
        guard status == 0, let found else {
            throw ExportError(message: "no address of this machine: \(String(cString: gai_strerror(status)))")
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(
            found.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC, 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard descriptor >= 0, bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0,
            listen(descriptor, 64) == 0
        else {
            let error = errno
            if descriptor >= 0 { Glibc.close(descriptor) }
            switch error {
            case EADDRINUSE: throw ExportError(message: "somebody listens there already: take another port")
            case EACCES: throw ExportError(message: "not allowed: ports below 1024 need root; take another")
            case EADDRNOTAVAIL: throw ExportError(message: "no address of this machine (try 127.0.0.1)")
            default: throw ExportError(message: "cannot listen: \(String(cString: strerror(error)))")
            }
        }
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &storage) {
            _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        // The port is at the same place in both kinds of address.
        let bound = withUnsafeBytes(of: &storage) { $0.load(fromByteOffset: 2, as: UInt16.self) }
        self.address = HostPort(host: address.host, port: Int(UInt16(bigEndian: bound)))
        self.descriptor = descriptor
    }

    deinit { close() }

    /// Closes it. Again is harmless; an endpoint that has taken it closes it itself.
    public func close() {
        if isOpen.exchange(false, ordering: .relaxed) { Glibc.close(descriptor) }
    }
}

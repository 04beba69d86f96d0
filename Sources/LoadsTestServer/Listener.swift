import CLinux
import Glibc
import Synchronization

/// Why a server could not start.
public struct TestServerError: Error, Sendable, CustomStringConvertible {
    /// What happened, where, and what to do.
    public let message: String
    public var description: String { message }
}

/// Opens what a server listens on.
enum Listener {
    static func open(host: String, port: Int) throws(TestServerError) -> (descriptor: Int32, port: Int) {
        guard (0...65535).contains(port) else {
            throw TestServerError(message: "port \(port): not a port (0 to 65535; 0 is a free one)")
        }
        var storage = sockaddr_storage()
        var size = socklen_t(0)
        let known = withUnsafeMutableBytes(of: &storage) { bytes in
            let four = bytes.baseAddress!.assumingMemoryBound(to: sockaddr_in.self)
            if inet_pton(AF_INET, host, &four.pointee.sin_addr) == 1 {
                four.pointee.sin_family = sa_family_t(AF_INET)
                four.pointee.sin_port = UInt16(port).bigEndian
                size = socklen_t(MemoryLayout<sockaddr_in>.size)
                return true
            }
            let six = bytes.baseAddress!.assumingMemoryBound(to: sockaddr_in6.self)
            six.pointee = sockaddr_in6()
            guard inet_pton(AF_INET6, host, &six.pointee.sin6_addr) == 1 else { return false }
            six.pointee.sin6_family = sa_family_t(AF_INET6)
            six.pointee.sin6_port = UInt16(port).bigEndian
            size = socklen_t(MemoryLayout<sockaddr_in6>.size)
            return true
        }
        guard known else {
            throw TestServerError(message: "host \(host): not an address (try 127.0.0.1 or ::1)")
        }
        let descriptor = try listen(&storage, size, Int32(storage.ss_family), "\(host) port \(port)")
        withUnsafeMutablePointer(to: &storage) {
            _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        // The port is at the same place in both kinds of address.
        let bound = withUnsafeBytes(of: &storage) { $0.load(fromByteOffset: 2, as: UInt16.self) }
        return (descriptor, Int(UInt16(bigEndian: bound)))
    }

    static func open(unixSocket path: String) throws(TestServerError) -> Int32 {
        var address = sockaddr_un()
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw TestServerError(message: "Unix socket \(path): the path is too long (107 bytes at most)")
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { target in
            withUnsafeBytes(of: &address) { target.copyMemory(from: $0) }
        }
        unlink(path)
        return try listen(&storage, socklen_t(MemoryLayout<sockaddr_un>.size), AF_UNIX, "the Unix socket \(path)")
    }

    private static func listen(
        _ storage: inout sockaddr_storage, _ size: socklen_t, _ family: Int32, _ place: String
    ) throws(TestServerError) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC, 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        let bound = withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        if descriptor >= 0 && bound == 0 && Glibc.listen(descriptor, 4096) == 0 { return descriptor }
        let error = errno
        _ = Glibc.close(descriptor)
        switch error {
        case EADDRINUSE:
            throw TestServerError(
                message: "\(place) is in use: stop who listens there, or take another (0 is a free one)")
        case EACCES:
            throw TestServerError(message: "\(place) is not allowed: ports below 1024 need root; take another")
        default: throw TestServerError(message: "cannot listen on \(place): \(String(cString: strerror(error)))")
        }
    }
}

/// Closes a descriptor once, however often it is asked to.
final class OneClose: Sendable {
    private let done = Atomic(false)

    func close(_ descriptor: Int32) {
        if !done.exchange(true, ordering: .relaxed) { _ = Glibc.close(descriptor) }
    }
}

import Glibc
import Synchronization

/// Ports of the loopback.
public enum Ports {
    /// Below those that the system gives to whoever does not name one (`net.ipv4.ip_local_port_range`, from 32768 on):
    /// neither a connection nor a server of somebody else's gets one of these between our look and our use.
    private static let range = 12_000..<32_000
    /// Ports that were looked at. Each process begins elsewhere, and none looks at one twice before it has seen all.
    private static let looked = Atomic<Int>(Int(getpid()) * 7_919)

    /// A port that nobody listened on a moment ago; another one each time.
    public static func free() throws -> Int {
        for _ in range {
            let number = looked.add(1, ordering: .relaxed).newValue
            let port = range.lowerBound + number % range.count
            if isFree(port) { return port }
        }
        throw SupportError("no free port between \(range.lowerBound) and \(range.upperBound)")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        defer { close(descriptor) }
        var address = loopback(port)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// Whether somebody accepts connections on 127.0.0.1.
    public static func answers(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        defer { close(descriptor) }
        var address = loopback(port)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return address
    }
}

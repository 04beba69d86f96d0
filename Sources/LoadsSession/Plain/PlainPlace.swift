internal import Glibc
internal import LoadsEventLoop

/// Where plain connections lead: one scheme, host and port of URLs, and what stands for it. Shared by a loop's users.
/// On the loop only.
final class PlainPlace {
    /// `http://` and the authority, as URLs spell it.
    let origin: [UInt8]
    let pins: [String: String]
    /// As it is sent, unless the caller sets one.
    let hostField: String
    /// What is connected to: the host, or what it is pinned to.
    let host: String
    let port: Int
    private let isAddress: Bool
    private var answer: Resolver.Answer?

    /// - Returns: nil when the URL or its pin is not one that the plain engine serves.
    init?(url: String, pins: [String: String]) {
        guard let origin = CurlRoute.origin(of: url), origin.count > 7, origin[4] == 0x3A else { return nil }
        let authority = String(decoding: origin[7...], as: UTF8.self)
        guard let named = CurlRoute.authority(of: authority, defaultPort: 80), Self.isProper(authority),
            named.port > 0
        else { return nil }
        var place = named
        if let pin = CurlRoute.pin(for: named, in: pins) {
            guard let pinned = CurlRoute.authority(of: pin, defaultPort: named.port), pinned.port > 0 else {
                return nil
            }
            place = pinned
        }
        self.origin = origin
        self.pins = pins
        let bracketed = CurlRoute.bracketed(named.host)
        hostField = named.port == 80 ? bracketed : "\(bracketed):\(named.port)"
        host = place.host
        port = place.port
        isAddress = CurlRoute.isAddress(place.host)
        // `127.1` and `0x7f000001` are addresses to some: the URL's owner decides, which is libcurl.
        let last = place.host.utf8.split(separator: UInt8(ascii: ".")).last
        if !isAddress, last?.first?.isDigit != false { return nil }
    }

    /// Letters, digits and what else hosts and ports are made of; no user information.
    private static func isProper(_ authority: String) -> Bool {
        authority.utf8.allSatisfy { byte in
            byte.isLetter || byte.isDigit || [0x2D, 0x2E, 0x5F, 0x7E, 0x3A, 0x5B, 0x5D].contains(byte)
        }
    }

    /// Whether a URL, pinned like that, leads here.
    func serves(_ url: UnsafeBufferPointer<UInt8>, pins: [String: String]) -> Bool {
        guard url.count >= origin.count, memcmp(url.baseAddress!, origin, origin.count) == 0 else { return false }
        guard url.count == origin.count || CurlRoute.endsAuthority(url[origin.count]) else { return false }
        return pins.isEmpty && self.pins.isEmpty || pins == self.pins
    }

    /// Whether both lead to the same server in the same way.
    func isSame(as other: PlainPlace) -> Bool { self === other || origin == other.origin && pins == other.pins }

    /// Whether the addresses are there and still good.
    func isKnown(at now: Instant) -> Bool {
        if isAddress { return true }
        guard let answer else { return false }
        return now < answer.expires
    }

    func set(_ answer: Resolver.Answer) { self.answer = answer }

    /// Whether the addresses belong to different protocols that would have to race each other.
    var mixesProtocols: Bool {
        guard let answer, answer.takesTurns else { return false }
        let six = answer.addresses.count { $0.utf8.contains(UInt8(ascii: ":")) }
        return six > 0 && six < answer.addresses.count
    }

    /// Whom to try, one after the other, for a new connection.
    func addresses(turn: () -> Int) -> [SocketAddress] {
        if isAddress { return SocketAddress(host, port: port).map { [$0] } ?? [] }
        guard let answer, !answer.addresses.isEmpty else { return [] }
        let shift = answer.takesTurns && answer.addresses.count > 1 ? turn() % answer.addresses.count : 0
        return (answer.addresses[shift...] + answer.addresses[..<shift]).compactMap { SocketAddress($0, port: port) }
    }
}

/// An IPv4 or IPv6 address with a port.
struct SocketAddress {
    private var storage = sockaddr_storage()
    private let length: socklen_t
    let family: Int32

    /// - Parameter text: Without brackets; a zone (`fe80::1%eth0`) may follow.
    init?(_ text: String, port: Int) {
        var v4 = sockaddr_in()
        if inet_pton(AF_INET, text, &v4.sin_addr) == 1 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = in_port_t(port).bigEndian
            family = AF_INET
            length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: v4, as: sockaddr_in.self) }
            return
        }
        var v6 = sockaddr_in6()
        let parts = text.split(separator: "%", maxSplits: 1)
        guard let bare = parts.first, inet_pton(AF_INET6, String(bare), &v6.sin6_addr) == 1 else { return nil }
        if parts.count == 2 { v6.sin6_scope_id = UInt32(parts[1]) ?? if_nametoindex(String(parts[1])) }
        v6.sin6_family = sa_family_t(AF_INET6)
        v6.sin6_port = in_port_t(port).bigEndian
        family = AF_INET6
        length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: v6, as: sockaddr_in6.self) }
    }

    /// Calls the body with the address as the system takes it.
    func with<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}

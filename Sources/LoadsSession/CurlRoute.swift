internal import Glibc
internal import LoadsEventLoop

/// The names that an exchange's connection needs, and their addresses: kept by the engine from one exchange to the
/// next, so that a warm connection costs no look at the URL's parts.
struct CurlRoute {
    /// A host and a port that libcurl would look up.
    struct Place: Hashable {
        var host: String
        var port: Int
    }

    /// What is found at a place.
    enum Role {
        case server
        case proxy
    }

    /// The scheme and authority of the URL it was made for.
    let origin: [UInt8]
    /// The engine's number for the options it was made for.
    let options: Int
    /// Changes when libcurl has to be told anew.
    var number: Int
    var names: [(place: Place, answer: Resolver.Answer)] = []
    /// When the resolver is to be asked again.
    var expires = Instant.distantFuture

    /// Whether an exchange can go this way.
    func serves(_ url: String, options: Int, at now: Instant) -> Bool {
        guard options == self.options, now < expires else { return false }
        var url = url
        return url.withUTF8 { url in
            guard url.count >= origin.count, memcmp(url.baseAddress!, origin, origin.count) == 0 else { return false }
            return url.count == origin.count || Self.endsAuthority(url[origin.count])
        }
    }

    /// Whether further connections should begin with another address.
    var takesTurns: Bool { names.contains { $0.answer.takesTurns && $0.answer.addresses.count > 1 } }

    /// The lines for `CURLOPT_RESOLVE`, the addresses turned by so many places: `host:port:address,address`.
    func lines(turn: Int) -> [String] {
        names.map { place, answer in
            let addresses = answer.addresses
            let shift = answer.takesTurns && !addresses.isEmpty ? turn % addresses.count : 0
            let turned = addresses[shift...] + addresses[..<shift]
            return "\(place.host):\(place.port):\(turned.map(Self.bracketed).joined(separator: ","))"
        }
    }

    /// The scheme and authority of a URL; nil when it is not `http://` or `https://` with a host.
    static func origin(of url: String) -> [UInt8]? {
        let bytes = Array(url.utf8)
        let schemes = ["http://", "https://"].map { Array($0.utf8) }
        guard
            let scheme = schemes.first(where: { scheme in
                bytes.count > scheme.count && zip(bytes, scheme).allSatisfy { $0 | 0x20 == $1 | 0x20 }
            })
        else { return nil }
        let end = bytes[scheme.count...].firstIndex(where: endsAuthority) ?? bytes.count
        return end > scheme.count ? Array(bytes[..<end]) : nil
    }

    static func endsAuthority(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
    }

    /// What libcurl will look up for an exchange: the proxy, and the pinned host or the URL's unless the proxy does
    /// that. Addresses are left out.
    ///
    /// - Returns: nil when the URL has no host that can be looked up.
    static func places(for origin: [UInt8], _ options: ConnectionOptions) -> [(Place, Role)]? {
        let url = String(decoding: origin, as: UTF8.self)
        let isTLS = url.utf8.dropFirst(4).first.map { $0 | 0x20 } == UInt8(ascii: "s")
        guard let target = authority(of: url, defaultPort: isTLS ? 443 : 80) else { return nil }
        if options.unixSocket != nil { return [] }
        var places: [(Place, Role)] = []
        var asksProxy = false
        if let proxy = options.proxy, !proxy.isEmpty {
            let scheme = proxy.firstRange(of: "://").map { proxy[..<$0.lowerBound].lowercased() } ?? "http"
            // libcurl's own defaults.
            guard let place = authority(of: proxy, defaultPort: scheme == "https" ? 443 : 1080) else { return nil }
            places.append((place, .proxy))
            asksProxy = !["socks4", "socks5"].contains(scheme)
        }
        if !asksProxy {
            if let pin = pin(for: target, in: options.pins) {
                guard let place = authority(of: pin, defaultPort: target.port) else { return nil }
                places.append((place, .server))
            } else {
                places.append((target, .server))
            }
        }
        return places.filter { !isAddress($0.0.host) }
    }

    /// Where a place is pinned to, if it is.
    static func pin(for place: Place, in pins: [String: String]) -> String? {
        if pins.isEmpty { return nil }
        let key = "\(bracketed(place.host)):\(place.port)".lowercased()
        return pins.first { $0.key.lowercased() == key }?.value
    }

    /// The lines for `CURLOPT_CONNECT_TO`: `host:port:host:port`.
    static func lines(for pins: [String: String]) -> [String] {
        pins.compactMap { from, to in
            guard let source = authority(of: from, defaultPort: 0) else { return nil }
            guard let target = authority(of: to, defaultPort: source.port) else { return nil }
            return "\(bracketed(source.host)):\(source.port):\(bracketed(target.host)):\(target.port)"
        }
    }

    /// The host, without brackets, and the port of a URL, of `host:port`, `[v6]:port` or a bare address.
    static func authority(of url: String, defaultPort: Int) -> Place? {
        var rest = url[...]
        if let scheme = url.firstRange(of: "//") { rest = url[scheme.upperBound...] }
        if let end = rest.utf8.firstIndex(where: endsAuthority) { rest = rest[..<end] }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        var host = rest
        var port = ""[...]
        if rest.first == "[" {
            guard let close = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<close]
            port = rest[rest.index(after: close)...]
            if !port.isEmpty && port.removeFirst() != ":" { return nil }
        } else if let colon = rest.firstIndex(of: ":"), colon == rest.lastIndex(of: ":") {
            host = rest[..<colon]
            port = rest[rest.index(after: colon)...]
        }
        // Names beyond ASCII have another form in the DNS, which the caller must write.
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        guard let number = port.isEmpty ? defaultPort : Int(port), 0...65535 ~= number else { return nil }
        return Place(host: String(host), port: number)
    }

    /// Whether a host is an IPv4 or IPv6 address.
    static func isAddress(_ host: String) -> Bool {
        var v4 = in_addr()
        var v6 = in6_addr()
        let bare = host.prefix { $0 != "%" }
        return inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, String(bare), &v6) == 1
    }

    /// An IPv6 address in brackets, anything else as it is.
    static func bracketed(_ host: String) -> String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host }
}

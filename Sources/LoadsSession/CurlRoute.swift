internal import Glibc

/// The addresses that an exchange's connection may use, as `CURLOPT_RESOLVE` takes them.
struct CurlRoute {
    /// A host and a port that libcurl would look up.
    struct Place: Hashable {
        var host: String
        var port: Int
    }

    /// What was looked up; nil when nothing is to be.
    var resolved: Place?
    var addresses: [String]
    /// Changes when the addresses do.
    var version: Int
    /// Whether the caller had to wait for the answer.
    var isLooked: Bool

    /// The line for `CURLOPT_RESOLVE`, the addresses turned by so many places: `+host:port:address,address`.
    func line(turn: Int) -> String? {
        guard let resolved, !addresses.isEmpty else { return nil }
        let turned = addresses.indices.map { addresses[($0 + turn) % addresses.count] }
        let list = turned.map { $0.utf8.contains(UInt8(ascii: ":")) ? "[\($0)]" : $0 }.joined(separator: ",")
        return "\(resolved.host):\(resolved.port):\(list)"
    }

    /// What libcurl will look up for an exchange: the proxy, the pinned host or the URL's; nil for an address.
    static func place(of exchange: Exchange) -> Place? {
        let options = exchange.connection
        if options.unixSocket != nil { return nil }
        if let proxy = options.proxy, !proxy.isEmpty {
            return authority(of: proxy, defaultPort: proxy.hasPrefix("socks") ? 1080 : 8080)
        }
        guard let target = authority(of: exchange.url, defaultPort: exchange.url.hasPrefix("https") ? 443 : 80, any: true)
        else { return nil }
        if !options.pins.isEmpty, let pin = options.pins["\(target.host):\(target.port)"] {
            return authority(of: "//" + pin, defaultPort: target.port)
        }
        return isAddress(target.host) ? nil : target
    }

    /// The host and port of a URL or of `host:port`; nil for an address unless `any`.
    static func authority(of url: String, defaultPort: Int, any: Bool = false) -> Place? {
        var rest = url[...]
        if let scheme = url.firstRange(of: "//") { rest = url[scheme.upperBound...] }
        if let end = rest.firstIndex(where: { $0 == "/" || $0 == "?" || $0 == "#" }) { rest = rest[..<end] }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        var host = rest
        var port = defaultPort
        if rest.hasPrefix("[") {
            guard let close = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<close]
            if let colon = rest[close...].firstIndex(of: ":") { port = Int(rest[rest.index(after: colon)...]) ?? port }
        } else if let colon = rest.lastIndex(of: ":"), rest.filter({ $0 == ":" }).count == 1 {
            host = rest[..<colon]
            port = Int(rest[rest.index(after: colon)...]) ?? port
        }
        let name = String(host)
        if name.isEmpty || (!any && isAddress(name)) { return nil }
        return Place(host: name, port: port)
    }

    /// Whether a host is an IPv4 or IPv6 address.
    static func isAddress(_ host: String) -> Bool {
        var v4 = in_addr()
        var v6 = in6_addr()
        return inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1
    }
}

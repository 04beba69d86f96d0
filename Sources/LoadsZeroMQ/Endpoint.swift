public import LoadsTransport

/// An address of a channel: `tcp://HOST:PORT`.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// A name, an IPv4 address, an IPv6 address without brackets, or `*` for all addresses of this machine.
    public var host: String
    /// 0 lets the system choose when binding.
    public var port: Int

    /// - Parameters:
    ///   - host: A name or an address; IPv6 without brackets.
    ///   - port: From 0, any free one, to 65535.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads an endpoint.
    ///
    /// - Parameter text: `tcp://HOST:PORT`, `tcp://[IPV6]:PORT`, `tcp://*:PORT`.
    /// - Throws: ``TransportError`` with code `address`, which names the text and the accepted form.
    public init(_ text: String) throws(TransportError) {
        func refusal(_ why: String) -> TransportError {
            TransportError(code: .address, message: "\(text): \(why) (an address is tcp://HOST:PORT)")
        }
        let prefix = "tcp://"
        guard text.hasPrefix(prefix) else { throw refusal("does not begin with \(prefix)") }
        let rest = text.dropFirst(prefix.count)
        guard let colon = rest.lastIndex(of: ":") else { throw refusal("has no port") }
        guard let port = Int(rest[rest.index(after: colon)...]), (0...65_535).contains(port) else {
            throw refusal("the port is not a number up to 65535")
        }
        var host = rest[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, host.contains(":") == isBracketed,
            host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ";") })
        else { throw refusal("the host is not a name or an address (an IPv6 address stands in brackets)") }
        self.init(host: String(host), port: port)
    }

    public var description: String { "tcp://\(isIPv6 ? "[\(host)]" : host):\(port)" }

    /// Whether only this machine can be meant: `localhost`, `127.…`, `::1`.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    var isIPv6: Bool { host.contains(":") }
    var isName: Bool { !isIPv6 && host != "*" && host.contains { $0.isLetter } }

    /// As libzmq takes it. `localhost` is IPv4's: that is where a master listens, and libzmq binds no names.
    var forLibrary: String { host == "localhost" ? Endpoint(host: "127.0.0.1", port: port).description : description }
}

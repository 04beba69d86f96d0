/// A host and a port as text: `127.0.0.1:9464`, `[::1]:9464`, `statsd.example.org:8125`.
public struct HostPort: Sendable, Equatable, CustomStringConvertible {
    /// Without brackets.
    public var host: String
    /// From 0 to 65,535; 0 lets the system choose, where something listens.
    public var port: Int

    /// - Parameter host: Without brackets; nothing is checked.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Parameters:
    ///   - text: A port alone is one of the loopback's.
    ///   - defaultPort: For a host alone; nil where a port must be named.
    /// - Returns: Nil for what is neither.
    public init?(_ text: String, defaultPort: Int? = nil) {
        func port(_ digits: some StringProtocol) -> Int? {
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
                (0...65_535).contains(port)
            else { return nil }
            return port
        }
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // No host is called that: it is a port, or a slip.
            guard let alone = port(text) else { return nil }
            self.init(host: "127.0.0.1", port: alone)
            return
        }
        var (host, rest): (Substring, Substring)
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard host.contains(":") else { return nil }
        } else {
            host = text.prefix { $0 != ":" }
            rest = text[host.endIndex...]
        }
        guard
            host.unicodeScalars.allSatisfy({
                $0.isASCII && ($0.properties.isAlphabetic || "0123456789.-_:%".unicodeScalars.contains($0))
            })
        else { return nil }
        if rest.isEmpty {
            guard !host.isEmpty, let defaultPort else { return nil }
            self.init(host: String(host), port: defaultPort)
            return
        }
        guard rest.hasPrefix(":"), let number = port(rest.dropFirst()) else { return nil }
        if host.isEmpty { host = "127.0.0.1" }
        self.init(host: String(host), port: number)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// One cookie, as a jar keeps it.
public struct Cookie: Sendable, Equatable {
    /// Capitals count: `a` and `A` are two names.
    public var name: String
    /// As it is sent; neither quoted nor encoded on the way.
    public var value: String
    /// The host it is sent to, in small letters, without a leading dot; nil sends it to every host the session calls.
    public var domain: String?
    /// Whether subdomains of ``domain`` get it too.
    public var includesSubdomains: Bool
    /// The path under which it is sent.
    public var path: String
    /// Sent over https only (and to the machine itself).
    public var isSecure: Bool
    /// The server's wish that scripts do not see it. Kept, without effect here.
    public var isHTTPOnly: Bool
    /// When it ends, as time since 1970-01-01 UTC; nil is with the session.
    public var expires: Duration?

    /// A cookie for every path of every host, until the session ends, unless said.
    public init(
        name: String, value: String, domain: String? = nil, includesSubdomains: Bool = false, path: String = "/",
        isSecure: Bool = false, isHTTPOnly: Bool = false, expires: Duration? = nil
    ) {
        self.name = name
        self.value = value
        self.domain = domain
        self.includesSubdomains = includesSubdomains
        self.path = path
        self.isSecure = isSecure
        self.isHTTPOnly = isHTTPOnly
        self.expires = expires
    }

    /// Whether the cookie goes with a request (RFC 6265, 5.4).
    func matches(_ url: WebURL) -> Bool {
        if isSecure, !url.isSecure, !Self.isLoopback(url.host) { return false }
        if let domain, !Self.domain(domain, matches: url.host, withSubdomains: includesSubdomains) { return false }
        return Self.path(path, matches: url.path)
    }

    func isExpired(_ now: Duration) -> Bool { expires.map { $0 <= now } ?? false }

    static func domain(_ domain: String, matches host: String, withSubdomains: Bool) -> Bool {
        if domain == host { return true }
        guard withSubdomains, !isAddress(host), host.utf8.count > domain.utf8.count else { return false }
        return host.hasSuffix(domain) && host.utf8.dropLast(domain.utf8.count).last == UInt8(ascii: ".")
    }

    static func path(_ path: String, matches requested: String) -> Bool {
        if path == "/" || path == requested { return true }
        guard requested.utf8.starts(with: path.utf8) else { return false }
        return path.utf8.last == UInt8(ascii: "/")
            || requested.utf8.dropFirst(path.utf8.count).first == UInt8(ascii: "/")
    }

    /// An IP address is one host: no suffix of it is a domain.
    static func isAddress(_ host: String) -> Bool {
        host.utf8.first == UInt8(ascii: "[") || host.utf8.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") }
    }

    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "[::1]" || host.hasPrefix("127.") && isAddress(host)
            || host.hasSuffix(".localhost")
    }
}

extension Cookie {
    /// Reads a `Set-Cookie` field as RFC 6265, 5.2 and 5.3 say; nil when the cookie must not be kept.
    ///
    /// - Parameters:
    ///   - url: Where the response came from.
    ///   - now: Time since 1970-01-01 UTC.
    init?(setCookie: String, from url: WebURL, now: Duration) {
        let parts = setCookie.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard let pair = parts.first, let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let name = Self.trimmed(pair[..<equals])
        guard !name.isEmpty else { return nil }
        self.init(
            name: name, value: Self.trimmed(pair[pair.index(after: equals)...]), domain: url.host,
            path: Self.defaultPath(url.path))

        var maxAge: Duration?
        for part in parts.dropFirst() {
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let attribute = Array(part[..<(equals ?? part.endIndex)]).trimmed
            let value = equals.map { Self.trimmed(part[part.index(after: $0)...]) } ?? ""
            if attribute.equalsIgnoringCase("expires") {
                expires = CookieDate.parse(value) ?? expires
            } else if attribute.equalsIgnoringCase("max-age") {
                maxAge = Self.age(value) ?? maxAge
            } else if attribute.equalsIgnoringCase("domain") {
                guard apply(domain: value, host: url.host) else { return nil }
            } else if attribute.equalsIgnoringCase("path") {
                path = value.hasPrefix("/") ? value : Self.defaultPath(url.path)
            } else if attribute.equalsIgnoringCase("secure") {
                isSecure = true
            } else if attribute.equalsIgnoringCase("httponly") {
                isHTTPOnly = true
            }
        }
        // Max-Age wins over Expires, wherever it stands.
        if let maxAge { expires = maxAge <= .zero ? .zero : now + maxAge }
    }

    /// Applies a `Domain` attribute. Returns false when the cookie is for somebody else.
    private mutating func apply(domain value: String, host: String) -> Bool {
        var domain = value.lowercased()
        if domain.hasPrefix(".") { domain.removeFirst() }
        if domain.isEmpty { return true }
        if domain == host {
            includesSubdomains = !Self.isAddress(host)
            return true
        }
        // Without a list of public suffixes: a single label (`com`) is never a domain of one's own.
        guard domain.utf8.contains(UInt8(ascii: ".")),
            Self.domain(domain, matches: host, withSubdomains: true)
        else { return false }
        self.domain = domain
        includesSubdomains = true
        return true
    }

    /// The folder of the request's path (RFC 6265, 5.1.4).
    private static func defaultPath(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    private static func age(_ text: String) -> Duration? {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard !digits.isEmpty, digits.allSatisfy(\.isDigit) else { return nil }
        // A number beyond the clock is "for ever", which 400 years are.
        return .seconds(min(Int64(text) ?? (text.hasPrefix("-") ? 0 : .max), 400 * 366 * 86_400))
    }

    private static func trimmed(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: Array(bytes).trimmed, as: UTF8.self)
    }
}

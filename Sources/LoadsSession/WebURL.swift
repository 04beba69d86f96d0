/// An absolute `http` or `https` URL, split and percent-encoded: what a request needs, and no more.
///
/// RFC 3986 with the URL standard's leniency: spaces, non-ASCII and other bytes that must not appear are encoded
/// rather than refused.
struct WebURL: Sendable, Equatable {
    var isSecure: Bool
    /// In small letters; an IPv6 address keeps its brackets.
    var host: String
    /// nil is the scheme's own.
    var port: UInt16?
    /// Begins with `/`.
    var path: String
    /// Without the `?`; nil when there is none.
    var query: String?
    /// From `user:password@`, decoded. Never sent as part of the URL.
    var user: String?
    var password: String?

    var effectivePort: UInt16 { port ?? (isSecure ? 443 : 80) }

    /// The URL as an engine takes it.
    var text: String {
        var text = origin
        text += path
        if let query {
            text += "?"
            text += query
        }
        return text
    }

    /// Scheme, host and port.
    var origin: String {
        var text = isSecure ? "https://" : "http://"
        text += host
        if let port { text += ":\(port)" }
        return text
    }

    /// Same scheme, host and port.
    func hasSameOrigin(as other: WebURL) -> Bool {
        isSecure == other.isSecure && host == other.host && effectivePort == other.effectivePort
    }

    /// Why a text is no URL that can be requested, for a person.
    struct Problem: Error { let reason: String }

    /// Parses an absolute URL.
    init(absolute text: String) throws(Problem) {
        let bytes = Self.cleaned(text)
        guard let (secure, rest) = try Self.scheme(bytes) else {
            throw Problem(reason: "it names no scheme (http://… or https://…)")
        }
        try self.init(secure: secure, afterScheme: rest)
    }

    /// Resolves a reference: an absolute URL stands for itself, anything else is joined to the base (RFC 3986, 5.2).
    init(_ reference: String, relativeTo base: @autoclosure () throws(Problem) -> WebURL) throws(Problem) {
        let bytes = Self.cleaned(reference)
        if let (secure, rest) = try Self.scheme(bytes) {
            try self.init(secure: secure, afterScheme: rest)
            return
        }
        let base = try base()
        if bytes.starts(with: [0x2F, 0x2F]) {
            try self.init(secure: base.isSecure, afterScheme: bytes[...])
            return
        }
        self = base
        try join(bytes[...])
    }

    // MARK: Parsing

    /// Without control characters and spaces at the ends.
    private static func cleaned(_ text: String) -> [UInt8] {
        var part = Array(text.utf8)[...]
        while let first = part.first, first <= 0x20 { part = part.dropFirst() }
        while let last = part.last, last <= 0x20 { part = part.dropLast() }
        return Array(part)
    }

    /// The scheme, if the text begins with one, and what follows it (from the `//` on).
    private static func scheme(_ bytes: [UInt8]) throws(Problem) -> (secure: Bool, rest: ArraySlice<UInt8>)? {
        guard let first = bytes.first, first.isLetter else { return nil }
        var end = 0
        while end < bytes.count, bytes[end].isLetter || bytes[end].isDigit || [0x2B, 0x2D, 0x2E].contains(bytes[end]) {
            end += 1
        }
        guard end < bytes.count, bytes[end] == UInt8(ascii: ":") else { return nil }
        let name = bytes[..<end]
        let rest = bytes[(end + 1)...]
        if name.equalsIgnoringCase("http") { return (false, rest) }
        if name.equalsIgnoringCase("https") { return (true, rest) }
        // `localhost:8080/x` looks like a scheme and means a host: say so rather than guess.
        let word = String(decoding: name, as: UTF8.self)
        if rest.first?.isDigit == true {
            throw Problem(reason: "it names no scheme: write http://\(String(decoding: bytes, as: UTF8.self))")
        }
        throw Problem(reason: "the scheme \(word) is not http or https")
    }

    private init(secure: Bool, afterScheme rest: ArraySlice<UInt8>) throws(Problem) {
        guard rest.starts(with: [0x2F, 0x2F]) else { throw Problem(reason: "// is missing after the scheme") }
        let authorityStart = rest.startIndex + 2
        let delimiters: [UInt8] = [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\\")]
        let end = rest[authorityStart...].firstIndex { delimiters.contains($0) } ?? rest.endIndex
        var authority = rest[authorityStart..<end]
        isSecure = secure
        user = nil
        password = nil
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            let information = authority[..<at]
            authority = authority[(at + 1)...]
            let colon = information.firstIndex(of: UInt8(ascii: ":"))
            user = Self.decoded(information[..<(colon ?? at)])
            password = colon.map { Self.decoded(information[($0 + 1)...]) } ?? ""
        }
        (host, port) = try Self.hostAndPort(authority, secure: secure)
        path = "/"
        query = nil
        if end < rest.endIndex { try join(rest[end...]) }
    }

    private static func hostAndPort(
        _ authority: ArraySlice<UInt8>, secure: Bool
    ) throws(Problem) -> (String, UInt16?) {
        var hostEnd = authority.endIndex
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else {
                throw Problem(reason: "the IPv6 address has no closing ]")
            }
            let address = authority[(authority.startIndex + 1)..<close]
            let allowed = address.allSatisfy {
                $0.hexValue != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
            }
            guard allowed, address.contains(UInt8(ascii: ":")) else {
                throw Problem(reason: "[\(String(decoding: address, as: UTF8.self))] is no IPv6 address")
            }
            hostEnd = close + 1
        } else if let colon = authority.lastIndex(of: UInt8(ascii: ":")) {
            hostEnd = colon
        }
        let name = authority[..<hostEnd]
        guard !name.isEmpty else { throw Problem(reason: "the host is missing") }
        if name.first != UInt8(ascii: "[") {
            for byte in name {
                if byte >= 0x80 {
                    throw Problem(reason: "the host is not ASCII: write it in its xn-- form")
                }
                let allowed = byte.isLetter || byte.isDigit || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
                guard allowed else { throw Problem(reason: "the host has a character that no host has") }
            }
        }
        let host = String(decoding: name.map(\.lowercased), as: UTF8.self)
        guard hostEnd < authority.endIndex else { return (host, nil) }
        guard authority[hostEnd] == UInt8(ascii: ":") else {
            throw Problem(reason: "after the host comes neither a port nor a path")
        }
        let digits = authority[(hostEnd + 1)...]
        if digits.isEmpty { return (host, nil) }
        guard digits.allSatisfy(\.isDigit), let port = UInt16(String(decoding: digits, as: UTF8.self)), port > 0 else {
            throw Problem(reason: "\(String(decoding: digits, as: UTF8.self)) is no port (1 to 65535)")
        }
        return (host, port == (secure ? 443 : 80) ? nil : port)
    }

    /// Joins what has no authority: a path, a query or a fragment.
    private mutating func join(_ reference: ArraySlice<UInt8>) throws(Problem) {
        let withoutFragment = reference.prefix { $0 != UInt8(ascii: "#") }
        let mark = withoutFragment.firstIndex(of: UInt8(ascii: "?"))
        let newPath = withoutFragment[..<(mark ?? withoutFragment.endIndex)]
        if newPath.isEmpty {
            // An empty reference keeps the base's query, `?x` replaces it.
            if let mark { query = Self.encoded(withoutFragment[(mark + 1)...]) }
            return
        }
        query = mark.map { Self.encoded(withoutFragment[($0 + 1)...]) }
        let encoded = Self.encoded(newPath)
        if newPath.first == UInt8(ascii: "/") {
            path = Self.withoutDots(encoded)
        } else {
            let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
            path = Self.withoutDots(String(folder) + encoded)
        }
    }

    /// RFC 3986, 5.2.4: removes `.` and `..`.
    private static func withoutDots(_ path: String) -> String {
        guard path.utf8.contains(UInt8(ascii: ".")) else { return path }
        var output: [Substring] = []
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for (offset, segment) in segments.enumerated() {
            let isLast = offset == segments.count - 1
            switch segment {
            case ".": if isLast { output.append("") }
            case "..":
                _ = output.popLast()
                if isLast { output.append("") }
            default: output.append(segment)
            }
        }
        return "/" + output.joined(separator: "/")
    }

    // MARK: Percent-encoding

    /// Encodes what must not appear in a path or query; what is encoded already stays so.
    private static func encoded(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(where: mustEncode) else { return String(decoding: bytes, as: UTF8.self) }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + 16)
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                let isEscape =
                    index + 2 < bytes.endIndex && bytes[index + 1].hexValue != nil && bytes[index + 2].hexValue != nil
                if isEscape { output.append(byte) } else { appendPercentEncoded(byte, to: &output) }
            } else if mustEncode(byte) {
                appendPercentEncoded(byte, to: &output)
            } else {
                output.append(byte)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func mustEncode(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x7F...: true
        case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"), UInt8(ascii: "^"),
            UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"), UInt8(ascii: "%"):
            true
        default: false
        }
    }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        var output: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.endIndex,
                let high = bytes[index + 1].hexValue, let low = bytes[index + 2].hexValue
            {
                output.append(high << 4 | low)
                index += 3
            } else {
                output.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}

extension WebURL {
    /// Adds items to the query.
    mutating func append(_ items: QueryItems) {
        guard !items.isEmpty else { return }
        let encoded = items.encoded
        if let query, !query.isEmpty { self.query = query + "&" + encoded } else { query = encoded }
    }

    /// This URL's path and query at another's scheme, host and port.
    func moved(to origin: WebURL) -> WebURL {
        var url = self
        url.isSecure = origin.isSecure
        url.host = origin.host
        url.port = origin.port
        url.user = origin.user ?? user
        url.password = origin.password ?? password
        return url
    }
}

/// What an `http` or `https` URL on the command line must look like.
enum WebAddress {
    /// What is wrong with a URL; nil when nothing is.
    static func problem(with text: String) -> String? {
        let advice = "(try http://127.0.0.1:8080/)"
        guard let colon = text.firstRange(of: "://") else { return "not a URL \(advice)" }
        guard ["http", "https"].contains(text[..<colon.lowerBound].lowercased()) else {
            return "only http and https URLs can be loaded"
        }
        if text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7f }) {
            return "a URL has no blanks: write %20"
        }
        let rest = text[colon.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        let address = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        let host: Substring
        let port: Substring?
        if address.hasPrefix("[") {
            guard let end = address.firstIndex(of: "]") else { return "not a URL: the ] of the address is missing" }
            host = address[address.index(after: address.startIndex)..<end]
            let after = address[address.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { return "not a URL \(advice)" }
            port = after.isEmpty ? nil : after.dropFirst()
            guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || ":.%".contains($0) }) else {
                return "not a URL: \(host) is no IPv6 address"
            }
        } else {
            let parts = address.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { return "not a URL: an IPv6 address stands in brackets, http://[::1]:8080/" }
            host = parts.first ?? ""
            port = parts.count == 2 ? parts[1] : nil
            if host.contains(where: { "<>\"{}|\\^`[]".contains($0) }) { return "not a URL: \(host) is no host name" }
        }
        if host.isEmpty { return "not a URL: the host is missing \(advice)" }
        if let port {
            guard port.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(port), (1...65_535).contains(number)
            else { return "not a URL: \(port) is no port (1 to 65535)" }
        }
        return nil
    }

    /// Whether a target means a URL rather than a test.
    static func isMeant(by target: String) -> Bool { target.contains("://") }

    /// Whether a target is no test's name but a URL without its `http://`: `localhost:8080`, `127.0.0.1/`, `[::1]:80`,
    /// `example.org/`.
    static func lacksScheme(_ target: String) -> Bool {
        if isMeant(by: target) { return false }
        let authority = target.prefix { !"/?#".contains($0) }
        if authority.hasPrefix("[") || authority.lowercased() == "localhost" { return true }
        if target.hasPrefix("/") || authority.isEmpty { return false }
        // A test's name has a colon only between the parentheses of its labels.
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, !parts[1].isEmpty, parts[1].allSatisfy({ $0.isASCII && $0.isNumber }) { return true }
        let numbers = authority.split(separator: ".", omittingEmptySubsequences: false)
        if numbers.count == 4, numbers.allSatisfy({ UInt8($0) != nil }) { return true }
        return target.hasSuffix("/")
    }

    /// A method or the name of a header: a token as RFC 9110 (5.6.2) writes it.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }
}

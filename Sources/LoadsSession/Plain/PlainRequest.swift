internal import HTTPTypes
internal import LoadsEventLoop

/// A request as it goes over a plain connection, serialised once for all users of a loop who make the same one.
final class PlainRequest {
    let place: PlainPlace
    /// Up to the last field, without the blank line; the body's length and the body follow.
    let head: [UInt8]
    /// The whole request, when it has no body.
    let whole: [UInt8]
    /// The method is HEAD: neither side sends a body.
    let isHead: Bool
    /// The caller asks the server to close the connection.
    let closes: Bool

    private let method: HTTPRequest.Method
    private let url: String
    private let headers: [(name: String, value: String)]

    /// - Returns: nil when the exchange has something unusual about it that libcurl is the one to judge.
    init?(_ exchange: Exchange, _ place: PlainPlace) {
        self.place = place
        method = exchange.method
        url = exchange.url
        headers = exchange.headers
        let name = exchange.method.rawValue
        guard name != "CONNECT", name.utf8.allSatisfy(Self.isToken), !name.isEmpty else { return nil }
        isHead = name == "HEAD"

        let target = exchange.url.utf8.dropFirst(place.origin.count)
        guard target.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else { return nil }
        var head: [UInt8] = []
        head.reserveCapacity(256)
        head += name.utf8
        head.append(0x20)
        if target.first != UInt8(ascii: "/") { head.append(UInt8(ascii: "/")) }
        head += target
        head += " HTTP/1.1\r\n".utf8

        var hasHost = false
        var closes = false
        var fields: [UInt8] = []
        for (name, value) in exchange.headers {
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isToken), value.utf8.allSatisfy(Self.isValue) else {
                return nil
            }
            switch name.lowercased() {
            case "host": hasHost = true
            case "connection":
                switch value.lowercased() {
                case "close": closes = true
                case "keep-alive": break
                default: return nil
                }
            case "content-length", "transfer-encoding", "expect", "upgrade", "te", "trailer", "http2-settings":
                return nil
            default: break
            }
            fields += name.utf8
            fields.append(0x3A)
            if !value.isEmpty { fields.append(0x20) }
            fields += value.utf8
            fields += "\r\n".utf8
        }
        if !hasHost {
            head += "Host: ".utf8
            head += place.hostField.utf8
            head += "\r\n".utf8
        }
        head += fields
        self.closes = closes
        self.head = head
        // Methods that are about a body say that it is empty.
        whole = head + (["POST", "PUT", "PATCH"].contains(name) ? "Content-Length: 0\r\n\r\n" : "\r\n").utf8
    }

    /// Whether an exchange sends the same head the same way.
    func matches(_ exchange: Exchange) -> Bool {
        guard method == exchange.method, url == exchange.url else { return false }
        guard exchange.connection.pins.isEmpty ? place.pins.isEmpty : exchange.connection.pins == place.pins else {
            return false
        }
        return Self.same(headers, exchange.headers)
    }

    private static func same(_ left: [(name: String, value: String)], _ right: [(name: String, value: String)]) -> Bool
    {
        guard left.count == right.count else { return false }
        // Sessions without fields of their own share one array: then there is nothing to compare.
        let isShared = left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { left.baseAddress == $0.baseAddress }
        }
        if isShared { return true }
        for index in left.indices where left[index].value != right[index].value || left[index].name != right[index].name
        {
            return false
        }
        return true
    }

    /// RFC 9110, 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        byte.isLetter || byte.isDigit || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }

    private static func isValue(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 0x09 }
}

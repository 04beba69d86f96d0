/// The pairs of a query, percent-decoded.
struct Query {
    let items: [(name: String, value: String)]

    init(_ text: Substring) {
        items = text.split(separator: "&").map { item in
            let name = item.prefix { $0 != "=" }
            return (Self.decoded(name), Self.decoded(item[name.endIndex...].dropFirst()))
        }
    }

    subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == 43 {
                bytes.append(32)
            } else if byte == 37, rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

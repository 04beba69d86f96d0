/// Names and values in order, as a URL's query or a form's body: `query: ["page": "2", "full": "1"]`.
///
/// A name may appear several times. Names and values are given plainly; they are encoded when they are sent.
public struct QueryItems: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One name with its value, both as they are meant.
    public struct Item: Sendable, Equatable {
        /// Plain, not percent-encoded.
        public var name: String
        /// Likewise; may be empty.
        public var value: String
        /// - Parameters: Both plain, not percent-encoded.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// In the order in which they are sent.
    public var items: [Item]

    /// Items in the order in which they are written; a name may stand several times.
    public init(dictionaryLiteral elements: (String, String)...) {
        // An empty literal is the default of every call and must not allocate.
        items = elements.isEmpty ? [] : elements.map { Item(name: $0.0, value: $0.1) }
    }

    /// Items from pairs or a dictionary, in the sequence's order.
    public init(_ pairs: some Sequence<(key: String, value: String)>) {
        items = pairs.map { Item(name: $0.key, value: $0.value) }
    }

    /// Whether there is no item.
    public var isEmpty: Bool { items.isEmpty }

    /// Adds an item at the end.
    public mutating func append(_ name: String, _ value: String) { items.append(Item(name: name, value: value)) }

    /// The items as `application/x-www-form-urlencoded` (the URL standard's serialiser: a space is `+`).
    public var encoded: String {
        var output: [UInt8] = []
        for item in items {
            if !output.isEmpty { output.append(UInt8(ascii: "&")) }
            Self.append(item.name, to: &output)
            output.append(UInt8(ascii: "="))
            Self.append(item.value, to: &output)
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func append(_ text: String, to output: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: " "): output.append(UInt8(ascii: "+"))
            case UInt8(ascii: "*"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): output.append(byte)
            case _ where byte.isLetter || byte.isDigit: output.append(byte)
            default: appendPercentEncoded(byte, to: &output)
            }
        }
    }
}

/// Appends a byte as `%XX`.
func appendPercentEncoded(_ byte: UInt8, to output: inout [UInt8]) {
    let digits: StaticString = "0123456789ABCDEF"
    output.append(UInt8(ascii: "%"))
    output.append(digits.utf8Start[Int(byte >> 4)])
    output.append(digits.utf8Start[Int(byte & 15)])
}

/// Writes JSON as bytes, without an intermediate tree: a stream of hits is written at a million lines a second.
///
/// The caller opens and closes; the writer places the commas and escapes the strings.
public struct JSONWriter: Sendable {
    /// What has been written so far.
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false
    private let indent: Int
    private var depth = 0

    /// - Parameter indent: Spaces a level; 0 writes everything on one line.
    public init(indent: Int = 0) { self.indent = indent }

    /// Forgets what has been written and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
        depth = 0
    }

    /// Opens an object, as a value or as an element; ``endObject()`` closes it.
    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    /// Closes the innermost object.
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    /// Opens an array, as a value or as an element; ``endArray()`` closes it.
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    /// Closes the innermost array.
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// A key of our own making: it needs no escaping.
    public mutating func key(_ key: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { bytes.append(contentsOf: $0) }
        endKey()
    }

    /// A key that comes from somewhere else.
    public mutating func key(escaping key: String) {
        separate()
        writeString(key)
        bytes.removeLast()
        endKey()
    }

    /// An object under a key.
    public mutating func object(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        key(name)
        object(body)
    }

    /// An object as an array's element or a document.
    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        beginObject()
        body(&self)
        endObject()
    }

    /// An array under a key.
    public mutating func array(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        key(name)
        beginArray()
        body(&self)
        endArray()
    }

    /// A text, escaped as needed; nil is null.
    public mutating func value(_ value: String?) {
        separate()
        if let value { writeString(value) } else { writeNull() }
        needsComma = true
    }

    /// A whole number; nil is null.
    public mutating func value(_ value: Int?) {
        separate()
        if let value { writeInteger(value) } else { writeNull() }
        needsComma = true
    }

    /// `true` or `false`.
    public mutating func value(_ value: Bool) {
        separate()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
        needsComma = true
    }

    /// A number with a fixed number of decimals; null when it is not finite, since JSON has no word for that.
    public mutating func value(_ value: Double?, decimals: Int) {
        separate()
        if let value, value.isFinite { writeDecimal(value, decimals) } else { writeNull() }
        needsComma = true
    }

    /// Nanoseconds as milliseconds with six decimals: exact.
    public mutating func milliseconds(_ nanoseconds: Int64?) {
        separate()
        if let nanoseconds { writeFixed(Int(nanoseconds), decimals: 6) } else { writeNull() }
        needsComma = true
    }

    /// Ends a line, between two objects of a stream or at the end of a file.
    public mutating func newline() {
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    // MARK: Bytes

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        depth += 1
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        depth -= 1
        // An empty pair stays on its line.
        if needsComma { breakLine() }
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func endKey() {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        if indent > 0 { bytes.append(UInt8(ascii: " ")) }
        afterKey = true
    }

    private var afterKey = false

    private mutating func separate() {
        if afterKey {
            afterKey = false
            return
        }
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        if depth > 0 { breakLine() }
        needsComma = false
    }

    private mutating func breakLine() {
        guard indent > 0 else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * indent))
    }

    private mutating func writeNull() { bytes.append(contentsOf: "null".utf8) }

    private mutating func writeString(_ string: String) {
        bytes.append(UInt8(ascii: "\""))
        var string = string
        string.withUTF8 { text in
            var from = 0
            for index in text.indices {
                let byte = text[index]
                if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte != 0x7f { continue }
                bytes.append(contentsOf: text[from..<index])
                escape(byte)
                from = index + 1
            }
            bytes.append(contentsOf: text[from...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case UInt8(ascii: "\n"): bytes.append(UInt8(ascii: "n"))
        case UInt8(ascii: "\r"): bytes.append(UInt8(ascii: "r"))
        case UInt8(ascii: "\t"): bytes.append(UInt8(ascii: "t"))
        default:
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: [
                UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0"), digits[Int(byte >> 4)], digits[Int(byte & 15)],
            ])
        }
    }

    private mutating func writeInteger(_ value: Int) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        writeDigits(value.magnitude, atLeast: 1)
    }

    private mutating func writeDecimal(_ value: Double, _ decimals: Int) {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (value * scale).rounded()
        // Beyond 2^53 a double has no decimals left; its own description is exact there.
        if abs(scaled) < 9e15 {
            writeFixed(Int(scaled), decimals: decimals)
        } else {
            bytes.append(contentsOf: value.description.utf8)
        }
    }

    /// Writes `value / 10^decimals`.
    private mutating func writeFixed(_ value: Int, decimals: Int) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        writeDigits(value.magnitude, atLeast: decimals + 1)
        if decimals > 0 { bytes.insert(UInt8(ascii: "."), at: bytes.count - decimals) }
    }

    private mutating func writeDigits(_ value: UInt, atLeast width: Int) {
        let start = bytes.count
        var rest = value
        var written = 0
        while rest > 0 || written < width {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
            written += 1
        }
        bytes[start...].reverse()
    }
}

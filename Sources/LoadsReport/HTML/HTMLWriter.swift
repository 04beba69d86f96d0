internal import LoadsCore

/// Writes markup that is HTML and well-formed XML at once, so that a browser shows it and any XML tool reads it.
///
/// Whatever is written through it is escaped; there is no way to put somebody's text in as it is.
struct HTMLWriter {
    typealias Attributes = KeyValuePairs<String, String>

    private(set) var text: String

    /// - Parameter preamble: What stands before the first element, as it is.
    init(preamble: StaticString = "") { text = "\(preamble)" }

    /// An element with what the closure puts into it.
    mutating func element(_ name: StaticString, _ attributes: Attributes = [:], _ body: (inout HTMLWriter) -> Void) {
        open(name, attributes)
        text += ">"
        body(&self)
        text += "</\(name)>"
    }

    /// An element that holds text.
    mutating func element(_ name: StaticString, _ attributes: Attributes = [:], text content: String) {
        element(name, attributes) { $0.write(content) }
    }

    /// An element that holds nothing, of those that HTML closes by itself.
    mutating func void(_ name: StaticString, _ attributes: Attributes = [:]) {
        open(name, attributes)
        text += "/>"
    }

    /// The page's style: HTML takes it as it is, so it is ours alone.
    mutating func style(_ sheet: StaticString) { text += "<style>\(sheet)</style>" }

    /// Text.
    mutating func write(_ content: String) { text += Self.escaped(content) }

    /// A target's or a test's text in one line: letters that run from right to left move nothing around it.
    mutating func foreign(_ content: String, limit: Int = HTMLWriter.nameLimit) {
        element("bdi", text: content.printable.shortened(to: limit))
    }

    /// A line's end, for those who look at the source.
    mutating func newline() { text += "\n" }

    private mutating func open(_ name: StaticString, _ attributes: Attributes) {
        text += "<\(name)"
        for (key, value) in attributes { text += " \(key)=\"\(Self.escaped(value))\"" }
    }

    /// Characters of a name shown at most.
    static let nameLimit = 300

    /// Control characters and those that are none, in neither's text; and those that turn round the letters after them, with which
    /// a name could rewrite our sentences.
    private static func isForeignToMarkup(_ value: UInt32) -> Bool {
        value < 0x20 || (0x7f...0x9f).contains(value) || (0xfdd0...0xfdef).contains(value) || value & 0xfffe == 0xfffe
            || (0x202a...0x202e).contains(value) || (0x2066...0x2069).contains(value)
    }

    /// Text as both take it, within an element and within an attribute. Characters that have no place there become U+FFFD.
    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            case _ where isForeignToMarkup(scalar.value): result += "\u{fffd}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Writes XML, two spaces a level.
struct XMLWriter {
    private(set) var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    private var depth = 0

    /// An element with what the closure puts into it.
    mutating func element(
        _ name: String, _ attributes: [(String, String)], _ body: ((inout XMLWriter) -> Void)? = nil
    ) {
        open(name, attributes)
        guard let body else {
            text += "/>\n"
            return
        }
        text += ">\n"
        depth += 1
        body(&self)
        depth -= 1
        indent()
        text += "</\(name)>\n"
    }

    /// An element that holds text.
    mutating func element(_ name: String, _ attributes: [(String, String)], text content: String) {
        open(name, attributes)
        text += ">" + Self.escaped(content, quotes: false) + "</\(name)>\n"
    }

    private mutating func open(_ name: String, _ attributes: [(String, String)]) {
        indent()
        text += "<" + name
        for (key, value) in attributes { text += " \(key)=\"\(Self.escaped(value, quotes: true))\"" }
    }

    private mutating func indent() { text += String(repeating: "  ", count: depth) }

    /// Text as XML 1.0 takes it: what it has no place for (most control characters) becomes U+FFFD.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"" where quotes: result += "&quot;"
            case "\n", "\t":
                if quotes { result += "&#\(scalar.value);" } else { result.unicodeScalars.append(scalar) }
            case "\r": result += "&#13;"
            case "\u{0}"..."\u{1f}", "\u{fffe}", "\u{ffff}": result += "\u{fffd}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

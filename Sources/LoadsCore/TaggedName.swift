/// Names with tags, as they are counted and shown: `checkout{plan=pro,region="a b"}`.
public enum TaggedName {
    /// The name with its tags in the order of their keys, so that the same tags are always the same name.
    ///
    /// A key or value that is empty, or holds a space or one of `{}=,"\()`, stands in quotation marks, `"` and `\` in it
    /// behind a `\`.
    public static func text(_ name: String, _ tags: [String: String]) -> String {
        if tags.isEmpty { return name }
        var text = name + "{"
        var isFirst = true
        for (key, value) in tags.sorted(by: { $0.key < $1.key }) {
            if !isFirst { text += "," }
            isFirst = false
            append(key, to: &text)
            text += "="
            append(value, to: &text)
        }
        return text + "}"
    }

    private static func append(_ part: String, to text: inout String) {
        guard part.isEmpty || part.utf8.contains(where: isSpecial) else {
            text += part
            return
        }
        text += "\""
        for character in part {
            if character == "\"" || character == "\\" { text += "\\" }
            text.append(character)
        }
        text += "\""
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "="), UInt8(ascii: ","), UInt8(ascii: "\""),
            UInt8(ascii: "\\"), UInt8(ascii: "("), UInt8(ascii: ")"), 0...32:
            true
        default: false
        }
    }
}

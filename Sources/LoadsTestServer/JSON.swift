/// The little JSON that the server writes.
enum JSON {
    /// A string literal.
    static func string(_ text: some StringProtocol) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// An object of strings.
    static func object(_ members: some Sequence<(name: String, value: String)>) -> String {
        "{" + members.map { "\(string($0.name)):\(string($0.value))" }.joined(separator: ",") + "}"
    }
}

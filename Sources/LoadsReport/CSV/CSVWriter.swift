/// Lines of comma-separated values as RFC 4180 has them, but with a line feed alone at the end of a line.
struct CSVWriter {
    private(set) var bytes: [UInt8] = []

    mutating func row(_ fields: [String]) {
        for (index, field) in fields.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: Self.quoted(field).utf8)
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// What has been written since the last call.
    mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    private static func quoted(_ field: String) -> String {
        let plain = field.utf8.allSatisfy {
            $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r")
        }
        return plain ? field : "\"" + field.replacing("\"", with: "\"\"") + "\""
    }
}

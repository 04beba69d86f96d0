/// The first part of a request: its line and its headers.
struct RequestHead: Equatable {
    var method: String
    /// As sent: path and query.
    var target: String
    /// The header lines as sent, CRLF after each; looked at when somebody asks.
    var lines: [UInt8] = []
    /// Whether the connection may carry another request afterwards.
    var keepsAlive = true
    var expectsContinue = false
    var framing = Framing.none

    /// How the body's end is told.
    enum Framing: Equatable {
        case none
        case length(Int)
        case chunked
    }

    /// The target without its query.
    var path: Substring { target.prefix { $0 != "?" } }
    /// What follows the question mark.
    var query: Substring { target.drop { $0 != "?" }.dropFirst() }

    /// The headers in the order sent.
    var headers: [(name: String, value: String)] {
        lines.split(separator: 10).compactMap { line in
            guard let colon = line.firstIndex(of: 58) else { return nil }
            return (
                String(decoding: line[..<colon], as: UTF8.self),
                String(decoding: Self.trimmed(line[line.index(after: colon)...]), as: UTF8.self)
            )
        }
    }

    /// The first header of that name.
    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, first == 32 || first == 9 { bytes.removeFirst() }
        while let last = bytes.last, last == 32 || last == 9 || last == 13 { bytes.removeLast() }
        return bytes
    }
}

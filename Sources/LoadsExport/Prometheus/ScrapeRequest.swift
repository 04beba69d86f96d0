/// The request of somebody who wants the metrics, as its bytes come in. A pure structure.
///
/// One request a connection; only its first line matters.
struct ScrapeRequest {
    /// What to answer.
    enum Answer: Equatable {
        case metrics(withBody: Bool)
        case index
        case notFound
        case notAllowed
        case malformed
    }

    private var head: [UInt8] = []

    /// The longest head that is read.
    static let limit = 16 << 10

    /// Adds bytes.
    ///
    /// - Returns: The answer once the head is complete; nil before.
    mutating func receive(_ bytes: some Sequence<UInt8>) -> Answer? {
        head += bytes
        guard let end = Self.end(of: head) else { return head.count > Self.limit ? .malformed : nil }
        let line = String(decoding: head[..<end].prefix { $0 != 0x0d && $0 != 0x0a }, as: UTF8.self)
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { return .malformed }
        guard words[0] == "GET" || words[0] == "HEAD" else { return .notAllowed }
        switch words[1].prefix(while: { $0 != "?" }) {
        case "/metrics": return .metrics(withBody: words[0] == "GET")
        case "/": return .index
        default: return .notFound
        }
    }

    private static func end(of head: [UInt8]) -> Int? {
        var place = 0
        while let feed = head[place...].firstIndex(of: 0x0a) {
            let rest = head[(feed + 1)...]
            if rest.first == 0x0a || rest.starts(with: [0x0d, 0x0a]) { return feed }
            place = feed + 1
        }
        return nil
    }

    /// An answer as bytes; the connection is closed behind it.
    static func response(_ answer: Answer, metrics: () -> [UInt8], type: String) -> [UInt8] {
        var (status, kind, body, sent): (String, String, [UInt8], Bool) = ("200 OK", "text/plain", [], true)
        switch answer {
        case .metrics(let withBody): (kind, body, sent) = (type, metrics(), withBody)
        case .index: body = Array("Loads: the metrics of the run are at /metrics\n".utf8)
        case .notFound: (status, body) = ("404 Not Found", Array("only /metrics is here\n".utf8))
        case .notAllowed: (status, body) = ("405 Method Not Allowed", Array("only GET\n".utf8))
        case .malformed: (status, body) = ("400 Bad Request", Array("not an HTTP/1 request\n".utf8))
        }
        let allow = answer == .notAllowed ? "Allow: GET, HEAD\r\n" : ""
        let head =
            "HTTP/1.1 \(status)\r\nContent-Type: \(kind)\r\nContent-Length: \(body.count)\r\n\(allow)"
            + "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + (sent ? body : [])
    }
}

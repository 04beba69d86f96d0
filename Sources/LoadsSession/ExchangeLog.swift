/// An exchange as text, for `--debug-requests`: `>` marks what was sent, `<` what came back.
enum ExchangeLog {
    /// Bytes of a body that are shown.
    private static let bodyLimit = 64 << 10

    static func text(_ exchange: Exchange, _ result: ExchangeResult, limit: Int) -> String {
        var lines = request(exchange)
        lines.append("< \(result.version) \(result.status)")
        let head = HTTPHead(bytes: result.head)
        for line in String(decoding: result.head, as: UTF8.self).split(whereSeparator: \.isNewline) {
            lines.append("< \(shown(line))")
        }
        lines.append("<")
        switch exchange.receive {
        case .stream: lines.append("< (the body is streamed)")
        case .discard: lines.append("< (the body is discarded)")
        case .whole:
            var body = result.body
            if let range = head.essentials().contentEncoding,
                let decoder = ContentDecoderChain(head.text(range)),
                let decoded = try? decoder.decodeAll(body, limit: limit)
            {
                body = decoded
            }
            lines += self.body(body, "<")
        }
        return lines.joined(separator: "\n")
    }

    static func text(_ exchange: Exchange, _ error: SessionError) -> String {
        (request(exchange) + ["< no response: \(error)"]).joined(separator: "\n")
    }

    private static func request(_ exchange: Exchange) -> [String] {
        var lines = ["> \(exchange.method.rawValue) \(exchange.url)"]
        lines += exchange.headers.map { "> \(shown("\($0.name): \($0.value)"))" }
        lines.append(">")
        switch exchange.body {
        case .none: break
        case .bytes(let bytes): lines += body(bytes, ">")
        case .stream: lines.append("> (the body is streamed)")
        }
        return lines
    }

    private static func body(_ bytes: [UInt8], _ mark: String) -> [String] {
        if bytes.isEmpty { return [] }
        guard let text = String(validating: bytes.prefix(bodyLimit), as: UTF8.self) ?? Self.cut(bytes) else {
            return ["\(mark) (\(bytes.count) bytes that are no text)"]
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { "\(mark) \(shown($0))" }
        if bytes.count > bodyLimit { lines.append("\(mark) … \(bytes.count) bytes in all") }
        return lines
    }

    /// A long text may be cut within a character.
    private static func cut(_ bytes: [UInt8]) -> String? {
        guard bytes.count > bodyLimit else { return nil }
        for less in 1...3 {
            if let text = String(validating: bytes.prefix(bodyLimit - less), as: UTF8.self) { return text }
        }
        return nil
    }

    /// A line without control characters: what a server says must not steer the terminal.
    private static func shown(_ line: some StringProtocol) -> String {
        var text = ""
        for scalar in line.unicodeScalars where scalar != "\r" {
            text.unicodeScalars.append(scalar.value < 0x20 && scalar != "\t" || scalar.value == 0x7f ? "\u{fffd}" : scalar)
        }
        return text
    }
}

import HTTPTypes

extension ObservedExchange {
    /// Bytes of a body that are shown.
    private static let bodyLimit = 64 << 10

    /// The exchange in full, on several lines: `>` marks what was sent, `<` what came back.
    public var text: String {
        var lines = ["> \(method.rawValue) \(url)"]
        lines += headers.map { "> " + Self.shown("\($0.name.rawName): \($0.value)") }
        lines.append(">")
        if let body { lines += Self.lines(of: body, ">") }
        switch result {
        case .success(let response):
            lines.append("< \(response.version) \(response.status.code)")
            lines += response.headers.map { "< " + Self.shown("\($0.name.rawName): \($0.value)") }
            lines.append("<")
            lines += Self.lines(of: Self.decoded(response), "<")
        case .failure(let error):
            lines.append("< no response: \(Self.shown(error.description))")
        }
        return lines.joined(separator: "\n")
    }

    private static func decoded(_ response: Response) -> [UInt8] {
        guard let coding = response.headers[.contentEncoding], let decoder = ContentDecoderChain(coding),
            let body = try? decoder.decodeAll(response.body, limit: bodyLimit)
        else { return response.body }
        return body
    }

    private static func lines(of body: [UInt8], _ mark: String) -> [String] {
        if body.isEmpty { return [] }
        // A long text may be cut within a character: up to three bytes less make it whole again.
        let text = (0...3).lazy.compactMap { String(validating: body.prefix(bodyLimit).dropLast($0), as: UTF8.self) }
            .first
        guard let text, body.count > bodyLimit || text.utf8.count == body.count else {
            return ["\(mark) (\(body.count) bytes that are no text)"]
        }
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map {
            "\(mark) \(shown($0))"
        }
        if body.count > bodyLimit { lines.append("\(mark) … \(body.count) bytes in all") }
        return lines
    }

    /// A line without control characters: what a server says must not steer the terminal.
    private static func shown(_ line: some StringProtocol) -> String {
        var text = ""
        for scalar in line.unicodeScalars {
            let steers = scalar.properties.generalCategory == .control && scalar != "\t"
            text.unicodeScalars.append(steers ? "\u{fffd}" : scalar)
        }
        return text
    }
}

extension Session {
    /// Shows the exchanges of the first iteration of one user in full (`--debug-requests`).
    ///
    /// - Parameters:
    ///   - user: The user's number.
    ///   - show: Called with the text of each exchange, on the user's loop.
    public static func observeFirstIteration(ofUser user: Int, _ show: @escaping @Sendable (String) -> Void) {
        observe { exchange in
            if exchange.user == user, exchange.iteration == 0 { show(exchange.text) }
        }
    }
}

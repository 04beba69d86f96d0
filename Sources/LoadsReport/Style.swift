/// Whether and how text is emphasised on a terminal.
public struct Style: Sendable {
    /// Whether ANSI colours are used.
    public var colors: Bool
    /// The columns of the terminal; nil when there is none: then nothing is cut or wrapped.
    public var width: Int?

    /// - Parameters:
    ///   - colors: Whether ANSI colours are used.
    ///   - width: The columns of the terminal; nil when there is none.
    public init(colors: Bool = false, width: Int? = nil) {
        self.colors = colors
        self.width = width
    }

    /// Somebody's text as one line that fits the terminal and does not steer it.
    public func fitted(_ text: String) -> String { text.printable.shortened(to: max(1, (width ?? 80) - 1)) }

    func bold(_ text: String) -> String { wrap(text, "1") }
    func dim(_ text: String) -> String { wrap(text, "2") }
    func red(_ text: String) -> String { wrap(text, "31") }
    func green(_ text: String) -> String { wrap(text, "32") }
    func yellow(_ text: String) -> String { wrap(text, "33") }

    private func wrap(_ text: String, _ code: String) -> String { colors ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }
}

extension String {
    /// The text without control characters: what a server or a test wrote must not steer the terminal.
    var printable: String {
        guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if scalar.properties.generalCategory == .control {
                result.append(scalar == "\t" || scalar == "\n" || scalar == "\r" ? " " : "�")
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// At most so many characters, the last of them `…` when something was cut.
    func shortened(to limit: Int) -> String {
        guard limit > 0, count > limit else { return self }
        return String(prefix(limit - 1)) + "…"
    }

    func paddedLeft(to width: Int) -> String { String(repeating: " ", count: Swift.max(0, width - count)) + self }
    func paddedRight(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - count)) }
}

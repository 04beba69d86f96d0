extension String {
    /// Whether the text contains another: the standard library's answer, found by a search of bytes.
    ///
    /// `#expect(response.text.contains("…"))` is the most frequent line of a load test, and the standard library's
    /// search, Character by Character, costs several times a whole request. This overload, which a file that imports
    /// LoadsSession gets, searches bytes where bytes decide, and asks the standard library where they do not: where a
    /// match may begin or end inside a Character (a combining mark, CR LF), and where another spelling of the same
    /// Character may stand in the text.
    public func contains(_ other: String) -> Bool {
        var text = self
        var pattern = other
        let answer = text.withUTF8 { text in pattern.withUTF8 { TextSearch.search(text, $0) } }
        // On slices, so that the overload does not call itself.
        return answer ?? self[...].contains(other[...])
    }
}

/// Decides by bytes whether a text contains another, Character by Character; nil when bytes do not decide.
enum TextSearch {
    static func search(_ text: UnsafeBufferPointer<UInt8>, _ pattern: UnsafeBufferPointer<UInt8>) -> Bool? {
        guard let first = pattern.first, let last = pattern.last else { return nil }
        guard isSafeStart(pattern), isSafeEnd(pattern) else { return nil }
        var start = 0
        var isUncertain = false
        while let position = find(pattern, in: text, from: start) {
            let end = position + pattern.count
            let before = position > 0 ? text[position - 1] : 0
            let after = end < text.count ? text[end] : 0
            // Two ASCII bytes never make one Character, except CR LF. Anything beyond ASCII may join its neighbour.
            let beginsCharacter = before < 0x80 && !(before == 13 && first == 10)
            let endsCharacter = after < 0x80 && !(last == 13 && after == 10)
            if beginsCharacter, endsCharacter { return true }
            isUncertain = true
            start = position + 1
        }
        if isUncertain { return nil }
        // Beyond ASCII there are several spellings of one Character; of ASCII only `;`, `K` and `` ` `` have others.
        for byte in pattern {
            if byte >= 0x80 { return nil }
            let twin: StaticString
            switch byte {
            case UInt8(ascii: "K"): twin = "\u{212A}"
            case UInt8(ascii: ";"): twin = "\u{37E}"
            case UInt8(ascii: "`"): twin = "\u{1FEF}"
            default: continue
            }
            let bytes = UnsafeBufferPointer(start: twin.utf8Start, count: twin.utf8CodeUnitCount)
            if find(bytes, in: text) != nil { return nil }
        }
        return false
    }

    /// Whether the pattern's first scalar is ASCII or a plain letter of Latin-1 (U+00C0 to U+00FF): none of them
    /// joins what stands before it.
    private static func isSafeStart(_ pattern: UnsafeBufferPointer<UInt8>) -> Bool {
        pattern[0] < 0x80 || pattern[0] == 0xC3
    }

    /// The same at the end: none of them joins what follows, unless that is a mark.
    private static func isSafeEnd(_ pattern: UnsafeBufferPointer<UInt8>) -> Bool {
        pattern[pattern.count - 1] < 0x80 || (pattern.count >= 2 && pattern[pattern.count - 2] == 0xC3)
    }
}

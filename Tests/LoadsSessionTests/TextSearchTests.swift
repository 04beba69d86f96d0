import LoadsSession
import TestSupport
import Testing

/// What the standard library says: on slices, which have no overload of ours.
private func standard(_ text: String, _ other: String) -> Bool { text[...].contains(other[...]) }

@Suite struct TextSearchTests {
    @Test(arguments: [
        ("Tarek", "Tarek"), ("Tarek Ziadé", "Ziad"), ("Tarek Ziadé", "Ziadé"), ("Tarek Ziade\u{301}", "Ziadé"),
        ("Ziade\u{301}", "Ziade"), ("Ziadé", "Ziade\u{301}"), ("abc", ""), ("", ""), ("", "a"), ("abc", "abcd"),
        ("a\r\nb", "\n"), ("a\r\nb", "\r"), ("a\r\nb", "\r\n"), ("a\nb", "\n"), ("a\rb", "\r"), ("a\r\nb", "a"),
        ("a\r\nb", "a\r"), ("x\r\ny\nz", "\n"), ("273 \u{212A}", "K"), ("\u{212A}elvin", "Kelvin"),
        ("what\u{37E}", ";"), ("\u{1FEF}", "`"), ("\u{600}a", "a"), ("\u{600}a a", "a"), ("e\u{301} e", "e"),
        ("👨‍👩‍👧", "👨"), ("👍🏽", "👍"), ("🇩🇪🇫🇷", "🇪🇫"), ("flag 🇫🇷", "🇫🇷"), ("a\u{200D}b", "b"), ("ééé", "é"),
        ("naïve café", "ïve caf"), ("\u{301}a", "a"), ("ab\u{301}ab", "ab"), ("a\0b", "\0"), ("x\u{FEFF}y", "y"),
    ])
    func agreesWithTheStandardLibrary(_ text: String, _ other: String) {
        #expect(text.contains(other) == standard(text, other))
    }

    /// All short texts over an alphabet of everything that joins.
    @Test func agreesOnRandomTexts() {
        let alphabet: [Unicode.Scalar] = [
            "a", "K", ";", "\r", "\n", "e", "\u{301}", "é", "\u{600}", "\u{200D}", "👍", "🏽", "🇩", "\u{212A}", "\u{37E}",
            " ", "\u{1100}", "\u{1161}", "ß", "ÿ",
        ]
        var random = SeededGenerator(seed: 1)
        func text(_ count: Int) -> String {
            var text = ""
            for _ in 0..<count { text.unicodeScalars.append(alphabet.randomElement(using: &random)!) }
            return text
        }
        for _ in 0..<20_000 {
            let (hay, needle) = (text(.random(in: 0...8, using: &random)), text(.random(in: 1...3, using: &random)))
            if hay.contains(needle) != standard(hay, needle) {
                let scalars = (hay.unicodeScalars.map(\.value), needle.unicodeScalars.map(\.value))
                Issue.record("\(scalars): \(standard(hay, needle))")
            }
        }
    }
}

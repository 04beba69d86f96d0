import Testing

@testable import LoadsReport

@Suite struct HTMLWriterTests {
    @Test(arguments: [
        ("plain é 😀", "plain é 😀"),
        ("</svg><script>alert(1)</script>", "&lt;/svg&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a & b", "a &amp; b"), ("\" onload='x'", "&quot; onload=&#39;x&#39;"), ("a\tb\nc", "a\tb\nc"),
        ("\u{0}\u{1b}[31m\u{7f}\u{9b}", "\u{fffd}\u{fffd}[31m\u{fffd}\u{fffd}"), ("]]>", "]]&gt;"),
    ])
    func textIsNeverMarkup(_ text: String, _ escaped: String) { #expect(HTMLWriter.escaped(text) == escaped) }

    @Test(arguments: [0xfffe, 0xffff, 0x1ffff, 0xfdd0] as [UInt32])
    func whatIsNoCharacterIsReplaced(_ value: UInt32) throws {
        #expect(HTMLWriter.escaped("a\(Character(try #require(Unicode.Scalar(value))))") == "a\u{fffd}")
    }

    @Test func elementsAreNestedAndTheirAttributesEscaped() {
        var html = HTMLWriter()
        html.element("p", ["class": "a\"b", "id": "<"]) { html in
            html.write("1 < 2")
            html.void("br")
            html.element("em", text: "&")
        }
        #expect(html.text == "<p class=\"a&quot;b\" id=\"&lt;\">1 &lt; 2<br/><em>&amp;</em></p>")
    }

    @Test func somebodysTextIsOneLineThatStaysWithinItself() {
        var html = HTMLWriter()
        html.foreign("GET /\u{202e}evil\n<b> שלום")
        #expect(html.text == "<bdi>GET /\u{fffd}evil &lt;b&gt; שלום</bdi>")
        var long = HTMLWriter()
        long.foreign(String(repeating: "x", count: 100_000))
        #expect(long.text.count < 400 && long.text.hasSuffix("x…</bdi>"))
    }
}

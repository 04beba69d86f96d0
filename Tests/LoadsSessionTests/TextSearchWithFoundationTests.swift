import Foundation
import LoadsSession
import Testing

@Suite struct TextSearchWithFoundationTests {
    /// Foundation's search finds no text in an empty one's place; ours, like the standard library's, finds "" anywhere.
    /// So the answer tells whose search a file gets that imports both.
    @Test func isOursBesideFoundation() {
        let text = "Tarek Ziadé"
        #expect(text.contains("Ziad"))
        #expect(text.contains(""))
        #expect(!text.contains("Zz"))
    }
}

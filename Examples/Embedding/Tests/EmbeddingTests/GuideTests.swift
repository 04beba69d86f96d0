import Foundation
import Testing

/// The guide shows this package's code: every snippet of `Docs/Embedding.md` stands in its files.
@Suite struct GuideTests {
    @Test func showsCodeThatIsCompiled() throws {
        let package = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let guide = try String(contentsOf: package.appending(path: "../../Docs/Embedding.md"), encoding: .utf8)
        var code = ""
        let files = FileManager.default.enumerator(at: package.appending(path: "Sources"), includingPropertiesForKeys: nil)
        let tests = FileManager.default.enumerator(at: package.appending(path: "Tests"), includingPropertiesForKeys: nil)
        for case let file as URL in Array(files ?? .init()) + Array(tests ?? .init()) where file.pathExtension == "swift" {
            code += try String(contentsOf: file, encoding: .utf8)
        }
        code += try String(contentsOf: package.appending(path: "Package.swift"), encoding: .utf8)

        let snippets = guide.components(separatedBy: "```swift\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        #expect(snippets.count >= 4)
        for snippet in snippets { #expect(code.contains(snippet), "not in Examples/Embedding:\n\(snippet)") }
    }
}

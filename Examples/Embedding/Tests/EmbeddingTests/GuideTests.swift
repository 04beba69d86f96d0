import Foundation
import Testing

/// The guide shows this package's code: every snippet of `Docs/Embedding.md` stands in its files.
@Suite struct GuideTests {
    let package = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized

    @Test func showsCodeThatIsCompiled() throws {
        let guide = try String(contentsOf: package.appending(path: "../../Docs/Embedding.md"), encoding: .utf8)
        let snippets = guide.components(separatedBy: "```swift\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        #expect(snippets.count >= 4)
        let code = try self.code()
        for snippet in snippets { #expect(code.contains(snippet), "not in Examples/Embedding:\n\(snippet)") }
    }

    /// All of the package's sources.
    private func code() throws -> String {
        let files = ["Package.swift"] + (try files(in: "Sources/embedding")) + (try files(in: "Tests/EmbeddingTests"))
        return try files.map { try String(contentsOf: package.appending(path: $0), encoding: .utf8) }.joined()
    }

    private func files(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: package.appending(path: folder).path)
            .filter { $0.hasSuffix(".swift") }.map { "\(folder)/\($0)" }
    }
}

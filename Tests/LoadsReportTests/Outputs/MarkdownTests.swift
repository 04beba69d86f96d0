import LoadsCore
import Testing

@testable import LoadsReport

@Suite struct MarkdownTests {
    private func text(_ summary: Summary, _ status: LoadsCore.ExitStatus) -> String {
        String(decoding: summary.markdown(status), as: UTF8.self)
    }

    @Test(arguments: [
        ("GET /", "`GET /`"), ("a|b", "`a\\|b`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("two\nlines", "`two lines`"),
        ("@everybody <b>", "`@everybody <b>`"), ("", "` `"),
    ])
    func somebodysTextIsCode(_ text: String, _ code: String) { #expect(Markdown.code(text) == code) }

    @Test func tellsHowItWentAndShowsTheNames() {
        let passed = text(Sample.summary(Sample.statistics([Sample.hit(milliseconds: 12)])), .passed)
        #expect(passed.hasPrefix("### ✅ Loads: `BlogTests.TestWebSite/something`\n"))
        #expect(passed.contains("| `GET /` | 1 | 0 | 0.50 | 12.0 | 12.0 | 12.0 | 12.0 |"))
        let failed = text(Sample.fullSummary(), .crashed)
        #expect(failed.hasPrefix("### ❌ Loads:"))
        #expect(failed.contains("**failed (exit code 71)**"))
        #expect(failed.contains("| ❌ `has token` | 3 | 1 | 75.0 % |"))
        #expect(failed.contains("| **all** | 102 | 2 |"))
        #expect(failed.contains("- 7 × `Blog.swift:9`: `Caught error`"))
    }

    @Test func everyRowOfATableHasItsHeadsCells() {
        let lines = text(Sample.fullSummary(), .crashed).split(separator: "\n", omittingEmptySubsequences: false)
        var width: Int?
        for line in lines {
            guard line.hasPrefix("|") else {
                width = nil
                continue
            }
            let cells = line.replacing("\\|", with: "").count { $0 == "|" }
            if let width { #expect(cells == width, "\(line)") }
            width = cells
        }
    }
}

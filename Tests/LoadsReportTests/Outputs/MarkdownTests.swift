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

    @Test func everyThresholdHasARow() throws {
        let markdown = text(try Sample.judgedSummary(), .breached)
        #expect(markdown.hasPrefix("### ❌ Loads:"))
        #expect(markdown.contains("**a threshold was breached**"))
        #expect(
            markdown.contains(
                """
                | threshold | actual |
                | --- | ---: |
                | ✅ `p95 < 200ms` | 134.25 ms |
                | ❌ `checks > 99%` | 87.5 % |
                | ❔ `p95(GET /x) < 1s` | `no hit is named GET /x` |

                """))
    }

    @Test func arrivalsAreCountedBesideBothTimes() {
        let markdown = text(Sample.openSummary(), .passed)
        #expect(markdown.contains("| service time | 4 | 0 | 0 | 0 | 20.0 | 40.0 | 40.0 | 40.0 |"))
        #expect(markdown.contains("| response time |  |  |  |  | 200.0 | 400.0 | 400.0 | 400.0 |"))
        #expect(markdown.contains("\n5 arrivals, 1 dropped (20.0 %)\n"))
        #expect(!text(Sample.fullSummary(), .crashed).contains("arrivals"))
        var stopped = Sample.openSummary()
        (stopped.plan, stopped.interrupted) = (Plan(arrivals: Arrivals(rate: .perSecond(5), for: .seconds(4))), true)
        stopped.statistics.arrivals = ArrivalCounts(planned: 10, started: 4, dropped: 1, cancelled: 5)
        #expect(
            text(stopped, .interrupted).contains(
                "\n10 arrivals (5.00/s), 1 dropped (20.0 %), 5 cancelled with the run\n"))
    }

    @Test func eachScenarioOfAMixHasARow() {
        let markdown = text(Sample.mix(failed: 2), .failures)
        #expect(
            markdown.contains(
                """
                | scenario | iterations | failed | /s | p50 | p95 | p99 | max |
                | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
                | `Shop/buys` | 10 | 2 | 5.00 | 5.00 | 5.00 | 5.00 | 5.00 |
                | `Shop/looks` | 10 | 0 | 5.00 | 2.00 | 2.00 | 2.00 | 2.00 |

                - `Shop/buys`: 13 arrivals, 3 dropped (23.1 %)

                """), "\(markdown)")
        #expect(!text(Sample.openSummary(), .passed).contains("scenario"))
        let timed = text(Sample.timedMix(), .passed)
        #expect(timed.contains("| `Shop/buys` | 10 | 0 | 10.0 |"), "\(timed)")
        #expect(timed.contains("| `Shop/looks` | 10 | 0 | – |"), "\(timed)")
        #expect(timed.contains("\n13 arrivals (13.0/s), 3 dropped (23.1 %)\n"), "\(timed)")
    }

    @Test func aComparisonNamesWhatGotWorse() throws {
        let worse = String(decoding: try Sample.comparison(2).markdown(), as: UTF8.self)
        #expect(worse.hasPrefix("### ❌ Loads: before and after\n"))
        #expect(worse.contains("| ❌ "))
        let same = String(decoding: try Sample.comparison(1).markdown(), as: UTF8.self)
        #expect(same.hasPrefix("### Loads: before and after\n") && !same.contains("❌"))
    }

    @Test(arguments: 0..<4) func everyRowOfATableHasItsHeadsCells(_ number: Int) throws {
        let summary = [Sample.fullSummary(), try Sample.judgedSummary(), Sample.openSummary(), Sample.mix()][number]
        let lines = text(summary, .crashed).split(separator: "\n", omittingEmptySubsequences: false)
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

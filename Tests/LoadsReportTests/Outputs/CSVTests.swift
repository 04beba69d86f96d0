import LoadsCore
import Testing

@testable import LoadsReport

@Suite struct CSVTests {
    private func lines(_ bytes: [UInt8]) -> [[String]] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test func quotesWhatNeedsIt() {
        var csv = CSVWriter()
        csv.row(["plain", "a,b", "say \"hi\"", "two\nlines", ""])
        #expect(String(decoding: csv.bytes, as: UTF8.self) == "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\n")
    }

    @Test func theSummaryHasALineForEachName() throws {
        let rows = lines(Sample.fullSummary().csv())
        let head = rows[0]
        #expect(rows.allSatisfy { $0.count == head.count })
        func field(_ row: [String], _ column: String) throws -> String {
            row[try #require(head.firstIndex(of: column))]
        }
        #expect(
            rows.dropFirst().map { $0[0] + ":" + $0[1] } == [
                "hits:GET /", "hits:sign in", "all:", "steps:checkout", "checks:has token", "checks:is fast",
                "iterations:",
            ])
        #expect(try field(rows[1], "count") == "100")
        #expect(try field(rows[1], "max_ms") == "100.000000")
        #expect(try field(rows[1], "rate_per_s") == "50.000")
        #expect(try field(rows[2], "failed") == "2")
        #expect(try field(rows[3], "count") == "102")
        #expect(try field(rows[5], "failed") == "1")
        #expect(try field(rows[5], "p99_ms") == "")
    }

    @Test func eachScenarioOfAMixHasItsLines() throws {
        var mix = Sample.mix(failed: 2)
        // Two that share a rate: their arrivals are counted together.
        mix.statistics.scenarios["Shop/a"] = ScenarioStatistics()
        mix.statistics.scenarios["Shop/a"]!.iterations.started = 4
        mix.statistics.scenarios["Shop/a"]!.iterations.ok = 4
        mix.statistics.scenarios["Shop/a"]!.service.record(3_000_000)
        mix.statistics.scenarios["Shop/a"]!.response.record(7_000_000)
        mix.statistics.scenarios["Shop/a, Shop/b"] = ScenarioStatistics()
        mix.statistics.scenarios["Shop/a, Shop/b"]!.arrivals = ArrivalCounts(planned: 6, started: 4, dropped: 2)
        var csv = String(decoding: mix.csv(), as: UTF8.self)
        csv.replace("\"Shop/a, Shop/b\"", with: "Shop/a + Shop/b")
        let rows = lines(Array(csv.utf8))
        let columns = ["kind", "name", "count", "failed", "rate_per_s", "max_ms"].map { rows[0].firstIndex(of: $0)! }
        #expect(rows.allSatisfy { $0.count == rows[0].count })
        #expect(
            rows.filter { $0[0].hasPrefix("scenario") }.map { row in columns.map { row[$0] } } == [
                ["scenarios", "Shop/a", "4", "0", "2.000", "3.000000"],
                ["scenario_arrivals", "Shop/a", "", "", "", "7.000000"],
                ["scenario_arrivals", "Shop/a + Shop/b", "6", "2", "", ""],
                ["scenarios", "Shop/buys", "10", "2", "5.000", "2.000000"],
                ["scenario_arrivals", "Shop/buys", "13", "3", "", "5.000000"],
                ["scenarios", "Shop/looks", "10", "0", "5.000", "2.000000"],
            ])
    }

    @Test func aScenarioWithItsOwnModelHasTheRateOfItsOwnTime() throws {
        let rows = lines(Sample.timedMix().csv())
        let rate = try #require(rows[0].firstIndex(of: "rate_per_s"))
        #expect(
            rows.filter { $0[0] == "scenarios" }.map { [$0[1], $0[rate]] } == [
                ["Shop/buys", "10.000"], ["Shop/looks", ""],
            ])
        #expect(rows.filter { $0[0] == "iterations" }.map { $0[rate] } == ["10.000"])
        // Of arrivals it would be another one: that of the plan.
        #expect(rows.filter { $0[0].hasSuffix("arrivals") }.map { $0[rate] } == ["", ""])
    }

    @Test func aWarmUpIsNotAmongTheTimeThatARateIsOver() throws {
        var summary = Sample.fullSummary()
        (summary.duration, summary.plan.warmUp) = (9, .seconds(7))
        #expect(lines(summary.csv()) == lines(Sample.fullSummary().csv()))
        #expect(summary.text().contains(": 2 failed (2.0 %), 51.0/s"))
        let markdown = String(decoding: summary.markdown(.crashed), as: UTF8.self)
        #expect(markdown.contains("102 hits (51.0/s)") && markdown.contains("| `GET /` | 100 | 0 | 50.0 |"))
        // The rate of a counter.
        func counter(_ text: String) -> Substring? { text.split(separator: "\n").first { $0.contains("`articles`") } }
        let without = String(decoding: Sample.fullSummary().markdown(.crashed), as: UTF8.self)
        #expect(counter(markdown) != nil && counter(markdown) == counter(without))
    }

    private func interval(_ second: Int, hits: Int, name: String = "GET /") -> MeasuredInterval {
        var statistics = Sample.statistics((0..<hits).map { _ in Sample.hit(name, milliseconds: 2) })
        statistics.users = 3
        return MeasuredInterval(
            statistics: statistics, from: Double(second), to: Double(second + 1), startedAt: 1_700_000_000)
    }

    private final class Sheet: Sendable {
        let bytes = MutexBytes()
        func writer(_ form: SeriesWriter.Form = .csv) -> SeriesWriter {
            SeriesWriter(form) { [bytes] in
                bytes.append($0)
                return nil
            }
        }
    }

    @Test func theSeriesHasALineForEachSecondAndName() throws {
        let sheet = Sheet()
        let writer = sheet.writer()
        for second in 0..<8 { writer.take(interval(second, hits: second + 1)) }
        // The first seconds are there before the end: they are complete.
        #expect(lines(sheet.bytes.all).count == 1 + 3 * 3)
        writer.take(interval(7, hits: 2, name: "GET /b"))
        let summary = Sample.summary(Sample.statistics((0..<38).map { _ in Sample.hit(milliseconds: 2) }))
        #expect(writer.finish(summary) == SeriesWriter.Outcome())
        let rows = lines(sheet.bytes.all)
        #expect(rows[0].prefix(7) == ["second", "time", "kind", "name", "users", "count", "failed"])
        #expect(rows[1].prefix(7) == ["0", "2023-11-14T22:13:20.000Z", "hits", "GET /", "3", "1", "0"])
        #expect(rows.last?.prefix(7) == ["7", "2023-11-14T22:13:27.000Z", "iterations", "", "3", "10", "0"])
        let counts = rows.dropFirst().filter { $0[2] == "all" }.map { Int($0[5])! }
        #expect(counts == [1, 2, 3, 4, 5, 6, 7, 10])
    }

    @Test func whatComesLateIsAnotherPartOfItsSecond() {
        let sheet = Sheet()
        let writer = sheet.writer()
        for second in [0, 1, 9, 1, 1, 10] { writer.take(interval(second, hits: 1)) }
        _ = writer.finish(Sample.summary(Statistics()))
        let rows = lines(sheet.bytes.all).filter { $0[2] == "all" }
        #expect(rows.map { $0[0] + ":" + $0[5] } == ["0:1", "1:1", "1:2", "9:1", "10:1"])
    }

    @Test func hitsThatAreInNoSecondAreCounted() {
        let sheet = Sheet()
        let writer = sheet.writer()
        var past = interval(0, hits: 5)
        past.isBacklog = true
        writer.take(past)
        writer.take(interval(6, hits: 3))
        let summary = Sample.summary(Sample.statistics((0..<10).map { _ in Sample.hit(milliseconds: 2) }))
        let outcome = writer.finish(summary)
        #expect(outcome.earlierHits == 5 && outcome.missingHits == 2 && !outcome.isWhole)
    }

    /// A master that was killed publishes once more what it had not stored.
    @Test func whatIsInItTwiceIsNoWholeSeriesNorIsOneWithoutIterations() {
        for (seconds, isWhole) in [([0, 1, 2], true), ([0, 1, 1, 2], false), ([0, 2], false)] {
            let writer = Sheet().writer()
            for second in seconds { writer.take(interval(second, hits: 1)) }
            let total = Sample.statistics((0..<3).map { _ in Sample.hit(milliseconds: 2) })
            #expect(writer.finish(Sample.summary(total)).isWhole == isWhole, "\(seconds)")
        }
        var silent = Statistics()
        silent.iterations.ok = 3
        #expect(!Sheet().writer().finish(Sample.summary(silent)).isWhole)
    }

    @Test func aDiskThatIsFullLosesSecondsAndNotTheRun() {
        let writer = SeriesWriter(.csv) { _ in "No space left on device" }
        for second in 0..<9 { writer.take(interval(second, hits: 1)) }
        let outcome = writer.finish(Sample.summary(Statistics()))
        #expect(outcome.failure == "No space left on device")
        #expect(outcome.lostSeconds == 9)
    }

    @Test func aRunThatMeasuredNothingHasTheFirstLineAlone() {
        let (sheet, log) = (Sheet(), Sheet())
        #expect(sheet.writer().finish(Sample.summary(Statistics())).failure == nil)
        #expect(lines(sheet.bytes.all).count == 1)
        #expect(log.writer(.histogramLog).finish(Sample.summary(Statistics())).failure == nil)
        #expect(String(decoding: log.bytes.all, as: UTF8.self).hasPrefix("#[Histogram log format version 1.3]\n"))
    }
}

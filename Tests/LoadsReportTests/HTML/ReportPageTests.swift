import Foundation
import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsReport

@Suite struct ReportPageTests {
    static let hostile = "</svg></title><script>alert('x')</script>\" onload=\"y\u{1b}[31m\u{202e}"

    private static func text(
        _ summary: Summary, _ status: LoadsCore.ExitStatus = .passed, _ course: RunCourse = RunCourse()
    ) -> String {
        String(decoding: summary.html(status, course: course), as: UTF8.self)
    }

    /// A course with so many seconds of hits.
    static func course(_ seconds: Int, name: String = "GET /", open: Bool = false) -> RunCourse {
        var course = RunCourse()
        for second in 0..<seconds {
            var statistics = Sample.statistics([
                Sample.hit(name, milliseconds: Double(second % 9 + 1)),
                Sample.hit(name, status: second % 5 == 0 ? 500 : 200, milliseconds: 3),
            ])
            statistics.users = 2
            if open { statistics.arrivals = ArrivalCounts(planned: 2, started: 2, dropped: 0) }
            course.take(
                MeasuredInterval(statistics: statistics, from: Double(second), to: Double(second + 1), startedAt: 0))
        }
        return course
    }

    static func hostileSummary() throws -> Summary {
        var statistics = Sample.statistics([
            Sample.hit(hostile, milliseconds: 1),
            Sample.hit(hostile, status: nil, milliseconds: 1, error: HitError(kind: hostile, message: hostile)),
        ])
        statistics.failures[hostile] = Occurrences(count: 1, first: 0, last: 0, sample: hostile)
        statistics.steps[hostile] = StepStatistics()
        statistics.checks[hostile] = CheckCounts(passed: 1, failed: 1)
        statistics.metrics[hostile] = MetricStatistics(kind: .trend, unit: hostile)
        statistics.metrics[hostile]!.record(1, at: 0)
        statistics.scenarios[hostile] = ScenarioStatistics()
        statistics.scenarios[hostile]!.iterations.started = 1
        statistics.health.lag.holders = [hostile: LoopHold(count: 800, longest: 20_000_000)]
        var summary = Sample.summary(
            statistics, interrupted: true,
            crash: RunnerCrash(
                reason: hostile, output: hostile, unreportedStarted: 0, unreportedEnded: 0, unreportedHits: 0))
        (summary.id, summary.target, summary.stopped) = (hostile, hostile, hostile)
        summary.tearDownFailure = hostile
        summary.agents = [
            AgentShare(id: hostile, name: hostile, users: 1), AgentShare(id: "b", name: hostile, users: 1),
        ]
        summary.agents[0].missing = AgentShare.Missing(from: 0, to: nil, hits: 1, reason: hostile)
        summary.plan = Plan(
            model: .mix([MixPart(scenarios: [hostile], model: .cycles([.init(users: 1, amount: .iterations(1))]))]))
        let name = "GET /<script>alert(1)</script>"
        summary.thresholds = [ThresholdResult(threshold: try Threshold("p95(\"\(name)\") < 1s"), doubt: .unknownName)]
        return summary
    }

    /// Runs of all kinds, each with what was measured when.
    static func pages() throws -> [String: String] {
        var open = Sample.openSummary()
        open.plan = Plan(arrivals: Arrivals(rate: .perSecond(2), for: .seconds(2)))
        var warm = Sample.fullSummary()
        warm.plan.warmUp = .seconds(1)
        warm.statistics.warmUp = Sample.statistics([Sample.hit(milliseconds: 80)])
        var short = Sample.summary(Sample.statistics([Sample.hit(milliseconds: 1)]))
        short.duration = 0.001
        return [
            "full": text(Sample.fullSummary(), .crashed, course(2)),
            "judged": text(try Sample.judgedSummary(), .breached, course(1)),
            "open": text(open, .passed, course(2, open: true)), "mix": text(Sample.mix(failed: 3), .failures),
            "empty": text(Sample.summary(Statistics()), .nothingToRun), "warm": text(warm, .passed, course(2)),
            "short": text(short, .passed, course(1)), "hostile": text(try hostileSummary(), .crashed, course(3)),
        ]
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/xmllint"), "no xmllint"))
    func everyPageIsWellFormed() throws {
        for (name, page) in try Self.pages() {
            let path = NSTemporaryDirectory() + "loads-\(UUID().uuidString).html"
            try Data(page.utf8).write(to: URL(fileURLWithPath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            #expect(throws: Never.self, "\(name)") {
                try OutputsPython.succeed(["xmllint", "--noout", "--nonet", path])
            }
        }
    }

    @Test func nothingIsFetchedAndNothingIsRun() throws {
        for (name, page) in try Self.pages() {
            let addresses = page.replacing("http://www.w3.org/1999/xhtml", with: "")
                .replacing("http://www.w3.org/2000/svg", with: "")
            for what in ["<script", "<link", "<img", "<iframe", "src=", "href=", "@import", "url(", "javascript:"] {
                #expect(!addresses.contains(what), "\(name): \(what)")
            }
            #expect(page.contains("content=\"default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;\""))
        }
    }

    @Test func aHostileNameStaysText() throws {
        let page = Self.text(try Self.hostileSummary(), .crashed, Self.course(3, name: Self.hostile))
        #expect(page.contains("&lt;/svg&gt;&lt;/title&gt;&lt;script&gt;alert(&#39;x&#39;)"))
        #expect(!page.contains("alert('x')") && !page.contains("\u{1b}") && !page.contains("onload=\"y"))
        // Nor does it turn round what is said of it.
        #expect(!page.contains("\u{202e}"))
    }

    @Test func theVerdictStandsAtTheTopWithItsNumbers() throws {
        var summary = Sample.openSummary()
        summary.statistics.scheduleLag.record(900_000_000)
        let page = Self.text(summary)
        #expect(page.contains("Verdict: <strong>generator-limited</strong>"))
        #expect(page.contains("1 of 5 arrivals (20 %) found no free user"))
        #expect(page.contains("dropped-arrivals: 20 %, at most 0 %"))
        let (verdict, table) = (page.firstRange(of: "Verdict:")!, page.firstRange(of: "<table")!)
        #expect(verdict.lowerBound < table.lowerBound)
        #expect(
            Self.text(Sample.summary(Sample.statistics([Sample.hit(milliseconds: 1)]))).contains(
                "Verdict: <strong>valid</strong>"))
    }

    @Test func everyThresholdHasItsLimitItsActualValueAndItsState() throws {
        let page = Self.text(try Sample.judgedSummary(), .breached)
        #expect(page.contains("a threshold was breached"))
        for cells in [
            ["p95 &lt; 200ms", "✓ kept", "&lt; 200 ms", "134.25 ms", "100"],
            ["checks &gt; 99%", "✗ breached", "&gt; 99 %", "87.5 %", "8"],
            ["p95(GET /x) &lt; 1s", "? not judged", "&lt; 1 s", "–", "0", "no hit is named GET /x"],
        ] {
            let row = page.split(separator: "\n").first { $0.contains("<bdi>\(cells[0])</bdi>") }
            for cell in cells { #expect(row?.contains(">\(cell)<") == true, "\(cell)") }
        }
    }

    @Test func bothTimesOfIterationsStandSideBySide() {
        let page = Self.text(Sample.openSummary())
        #expect(page.contains("Iterations: response and service time"))
        let rows = page.split(separator: "\n").filter { $0.contains("response time<") || $0.contains("service time<") }
        #expect(rows.contains { $0.contains("response time") && $0.contains("400 ms") })
        #expect(rows.contains { $0.contains("service time") && $0.contains("40.0 ms") })
        #expect(page.contains("id=\"figure-arrivals\">5<") && page.contains("4 started, 1 dropped (20.0 %)"))
        #expect(!Self.text(Sample.fullSummary()).contains("response time of"))
        var stopped = Sample.openSummary()
        (stopped.plan, stopped.interrupted) = (Plan(arrivals: Arrivals(rate: .perSecond(5), for: .seconds(4))), true)
        stopped.statistics.arrivals = ArrivalCounts(planned: 10, started: 4, dropped: 1, cancelled: 5)
        #expect(
            Self.text(stopped).contains(
                "5.00/s planned; 4 started, 1 dropped (20.0 %), 5 cancelled with the run"))
    }

    @Test func whatWasMeasuredByNameHasATable() throws {
        let page = Self.text(Sample.fullSummary(), .crashed)
        for heading in ["Hits by name", "Steps", "Checks", "Metrics", "Errors", "Failures", "Responses"] {
            #expect(page.contains(">\(heading)"), "\(heading)")
        }
        #expect(page.contains("the runner crashed: signal 11 (SIGSEGV)"))
        #expect(page.contains("<bdi>sign in</bdi>") && page.contains("<bdi>Blog.swift:9</bdi>"))
        #expect(page.contains("<bdi>has token</bdi>") && page.contains("75.0 %"))
        #expect(Self.text(Sample.mix()).contains("<bdi>Shop/buys</bdi>"))
        let timed = Self.text(Sample.timedMix()).split(separator: "\n")
        func cells(_ scenario: String) -> [Substring] {
            (timed.first { $0.contains("<bdi>\(scenario)</bdi></") } ?? "").split(separator: ">").compactMap {
                $0.hasSuffix("</td") ? $0.dropLast(4) : nil
            }
        }
        #expect(cells("Shop/buys").prefix(3) == ["10", "10.0", "0"], "\(cells("Shop/buys"))")
        #expect(cells("Shop/looks").prefix(3) == ["10", "–", "0"], "\(cells("Shop/looks"))")
    }

    @Test func whatIsMissingOfAnAgentIsTold() {
        var summary = Sample.summary(Sample.statistics([Sample.hit(milliseconds: 1)]))
        summary.agents = [AgentShare(id: "a", name: "one", users: 5), AgentShare(id: "b", name: "two", users: 5)]
        summary.agents[0].state = .finished
        summary.agents[1].state = .lost
        summary.agents[1].missing = AgentShare.Missing(from: 1.5, to: nil, hits: 12, reason: "silent for 10 s")
        let page = Self.text(summary)
        #expect(page.contains("everything from 1.5 s on, 12 hits: silent for 10 s"))
        #expect(page.contains(">lost<") && page.contains(">nothing<"))
    }

    @Test func aRunWithoutHitsHasChartsOfItsIterations() {
        var course = RunCourse()
        var statistics = Statistics()
        statistics.iterations.started = 4
        statistics.iterations.ok = 4
        for value in 1...4 { statistics.service.record(Int64(value) * 10_000_000) }
        course.take(MeasuredInterval(statistics: statistics, from: 0, to: 1, startedAt: 0))
        let page = Self.text(Sample.summary(statistics), .passed, course)
        #expect(page.contains("Iterations a second") && page.contains("Time of iterations"))
        #expect(page.contains("Iterations by percentile") && !page.contains("Latency of hits"))
    }

    @Test func aRunThatMeasuredNothingHasAPageThatSaysSo() throws {
        let page = try #require(try Self.pages()["empty"])
        #expect(page.contains("✗ nothing was measured") && page.contains("Verdict: <strong>incomplete</strong>"))
        #expect(!page.contains("<figure"))
    }

    @Test func aPageIsBoundedWhateverTheRun() throws {
        var statistics = Statistics()
        let long = String(repeating: "<&>", count: 2000)
        for number in 0..<5000 {
            var hits = NameStatistics()
            hits.count = 5000 - number
            for value in 1...3 { hits.latency.record(Int64(value + number) * 1000) }
            statistics.names["\(number)\(long)"] = hits
            statistics.steps["\(number)\(long)"] = StepStatistics()
            statistics.checks["\(number)\(long)"] = CheckCounts(passed: 1)
            statistics.metrics["\(number)\(long)"] = MetricStatistics(kind: .gauge, unit: long)
            statistics.failures["\(number)\(long)"] = Occurrences(count: 1, first: 0, last: 1, sample: long)
        }
        var summary = Sample.summary(statistics)
        summary.duration = 20_000
        summary.agents = (0..<1000).map { AgentShare(id: "\($0)", name: long, users: 1) }
        for index in summary.agents.indices {
            summary.agents[index].missing = AgentShare.Missing(from: 1, to: nil, hits: nil, reason: long)
        }
        let page = Self.text(summary, .passed, Self.course(20_000))
        #expect(page.utf8.count < 4_000_000, "\(page.utf8.count)")
        #expect(page.contains("4,800 more names, summed up"))
        // Those that are left out are in the sum: 1 + 2 + … + 4,800 hits.
        let sum = try #require(page.split(separator: "\n").first { $0.contains("4,800 more names") })
        #expect(sum.contains(">11,522,400<"))
        #expect(page.contains("<li>950 more: --json FILE has them all</li>"))
        #expect(page.contains("800 more agents, summed up") && page.contains("4,800 more checks, summed up"))
        #expect(page.contains("Each point is 64 seconds of the run"))
        for path in page.split(separator: " d=\"").dropFirst() {
            #expect(path.prefix { $0 != "\"" }.count { "LHM".contains($0) } <= RunCourse.limit + 1)
        }
    }

    @Test func hitsThatAreInNoChartAreCounted() {
        let summary = Sample.summary(Sample.statistics((0..<10).map { _ in Sample.hit(milliseconds: 1) }))
        #expect(Self.text(summary, .passed, Self.course(2)).contains("6 hits are in no chart over time"))
        var course = RunCourse()
        course.take(
            MeasuredInterval(
                statistics: summary.statistics, from: 0, to: 2, startedAt: 0, isBacklog: true))
        let page = Self.text(summary, .passed, course)
        #expect(page.contains("10 hits from before this report was attached"))
        #expect(page.contains("Latency of hits by percentile") && !page.contains("chart-users"))
    }

    @Test func aBaselineStandsBesideTheRun() throws {
        let comparison = try Sample.comparison(2)
        let page = String(
            decoding: Sample.summary(Statistics()).html(.breached, comparison: comparison), as: UTF8.self)
        #expect(page.contains("worse than the baseline"))
        #expect(page.contains(HTMLWriter.escaped(comparison.conclusion)))
    }
}

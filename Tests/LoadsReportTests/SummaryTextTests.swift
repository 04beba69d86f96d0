import LoadsCore
import Testing

@testable import LoadsReport

@Suite struct SummaryTextTests {
    @Test func tellsTheWholeRun() {
        let text = Sample.fullSummary().text()
        for part in [
            "BlogTests.TestWebSite/something: 10 users × 10 iterations, 2.0 s", "interrupted", "signal 11 (SIGSEGV)",
            "4 iterations started, 3 ended, 2 hits", "102: 2 failed (2.0 %), 51.0/s, 102 requests",
            "200: 100, 500: 1", "GET /", "sign in", "1 × connect", "7 × Blog.swift:9  from 250 ms to 1.8 s",
            "Expectation failed: a", "CPU 500 ms (25 % of a core), loop lag at most 20.0 ms, memory at most 40.0 MiB",
            "BlogTests.TestWebSite/slow blocked its loop for at most 20.0 ms (8 times over 10.0 ms): use --threads",
            "BlogTests.TestWebSite/hash blocked its loop for at most 12.0 ms (3 times over 10.0 ms): use --threads",
            "no test's body, but other work held a loop (once over 10.0 ms)",
            "5 hits are missing in the stream", "2 failures belong to no iteration",
            "4 names beyond --max-names 1000 are counted as (other)",
        ] {
            #expect(text.contains(part), "\(part) is not in\n\(text)")
        }
        #expect(!text.contains("\u{1b}"), "what a server said must not steer the terminal")
    }

    @Test func tellsOfEachScenarioOfAMix() {
        let text = Sample.mix(failed: 3).text()
        let rows = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.contains { $0.starts(with: ["scenarios", "in", "ms", "iterations", "failed"]) }, "\(text)")
        #expect(rows.contains { $0.starts(with: ["Shop/buys", "10", "3"]) && Double($0.last!) == 5 }, "\(text)")
        #expect(rows.contains { $0.starts(with: ["Shop/looks", "10", "0"]) && Double($0.last!) == 2 }, "\(text)")
        #expect(text.contains("Shop/buys: 13 planned, 3 dropped"), "\(text)")
        #expect(!Sample.fullSummary().text().contains("scenarios"))
    }

    @Test func aScenarioWithItsOwnModelHasTheRateOfItsOwnTime() {
        let rows = Sample.timedMix().text().split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.contains { $0.starts(with: ["Shop/buys", "10", "0", "10.0"]) }, "\(rows)")
        #expect(rows.contains { $0.starts(with: ["Shop/looks", "10", "0", "–"]) }, "\(rows)")
    }

    @Test func tellsOfStepsChecksAndMetrics() {
        let text = Sample.summary(Sample.grouped()).text()
        let steps = text.split(separator: "\n").first { $0.contains("checkout ") }?.split(separator: " ")
        #expect(
            steps == ["checkout", "4", "1", "2.00", "10.0", "25.0", "20.0", "40.0", "40.0", "40.0", "40.0", "40.0"])
        #expect(text.contains("steps in ms"))
        #expect(text.contains("has token   75.0 %: 3 of 4 passed\n  is fast      100 %: 4 of 4 passed"))
        #expect(text.contains("articles  2,800, 1,400/s"))
        #expect(text.contains("queue     last 4, from 1 to 4 jobs"))
        #expect(text.contains("cached    25.0 %: 1 of 4"))
        #expect(text.contains("cart      min 1.99, mean 3.49, p50 2.99, p90 4.99, p95 4.99, p99 4.99, max 4.99 EUR"))
        #expect(text.contains("never     no value"))
        #expect(text.contains("warning: 2 values of metrics could not be recorded"))
        #expect(!Sample.summary(Sample.statistics([])).text().contains("checks"))
    }

    @Test func mostFrequentFailuresComeFirst() throws {
        let text = Sample.fullSummary().text()
        let first = try #require(text.firstRange(of: "Blog.swift:9"))
        let second = try #require(text.firstRange(of: "Blog.swift:12"))
        #expect(first.lowerBound < second.lowerBound)
    }

    @Test func saysThatTestsWithoutHitsUseNoSession() {
        var statistics = Statistics()
        statistics.iterations.started = 3
        statistics.iterations.ok = 3
        for _ in 0..<3 { statistics.service.record(5_000_000) }
        let text = Sample.summary(statistics).text()
        #expect(text.contains("none: these tests made no request with a Session"))
        #expect(text.contains("3: 3 ok, 0 failed"))
        #expect(text.contains("mean 5.00"))
        #expect(!Sample.summary(statistics, isURLTarget: true).text().contains("no Session"))
    }

    @Test func aProgramIsNotToldToUseASession() {
        var statistics = Statistics()
        statistics.iterations.started = 1
        statistics.iterations.ok = 1
        var summary = Sample.summary(statistics)
        summary.isProgram = true
        #expect(summary.text().contains("none: the program reported none, so only iterations are measured"))
        #expect(summary.text().contains("iterations  1: 1 ok"))
    }

    @Test func whatMeasuredNothingSaysSo() {
        var summary = Sample.summary(Statistics())
        #expect(summary.text().contains("nothing was measured: nothing was run\n"))
        summary.isProgram = true
        #expect(summary.text().contains("nothing was measured: the program reported no hit and no iteration\n"))
        for isProgram in [false, true] {
            var warm = summary
            (warm.isProgram, warm.plan.warmUp) = (isProgram, .seconds(2))
            warm.statistics.warmUp = Sample.statistics([Sample.hit(milliseconds: 1)])
            #expect(
                warm.text().contains(
                    "nothing was measured: everything that ran belongs to the warm-up of 2s (--warm-up)\n"))
        }
        summary.statistics.iterations.started = 2
        summary.statistics.iterations.interrupted = 2
        #expect(summary.text().contains("nothing was measured: no iteration came to its end"))
        summary.interrupted = true
        #expect(!summary.text().contains("nothing was measured: no iteration"))
    }

    @Test func changesOfThePlanAreTold() throws {
        var summary = Sample.summary(Sample.statistics([Sample.hit(milliseconds: 1)]), interrupted: true)
        summary.changes = [UserChange(at: 12.04, users: 200), UserChange(at: 70, users: 1)]
        summary.stopped = "stopped by tarek@laptop"
        #expect(
            summary.text().contains("10 users × 10 iterations, adjusted to 200 users at 12.0 s, 1 user at 1 m 10 s, "))
        #expect(summary.text().contains("stopped by tarek@laptop: the numbers cover what ran until then"))
        summary.changes = [UserChange(at: 5, rate: .perSecond(800))]
        #expect(summary.text().contains("adjusted to 800/s at 5.0 s, "))
        #expect(String(decoding: summary.json(), as: UTF8.self).contains("\"rate\": \"800/s\""))
        summary.changes = (1...8).map { UserChange(at: Double($0), users: $0) }
        #expect(summary.text().contains("adjusted 3 times, then to 4 users at 4.0 s, "))
        let json = String(decoding: summary.json(), as: UTF8.self)
        #expect(json.contains("\"adjusted\": [") && json.contains("\"stopped\": \"stopped by tarek@laptop\""))
    }

    @Test func oneOfAThingIsOne() {
        var statistics = Statistics()
        statistics.iterations.started = 1
        statistics.iterations.ok = 1
        var summary = Sample.summary(statistics)
        summary.plan = Plan(cycles: [.init(users: 1, amount: .iterations(1))])
        summary.crash = RunnerCrash(
            reason: "x", output: "", unreportedStarted: 1, unreportedEnded: 0, unreportedHits: 1)
        var agent = AgentShare(id: "a", name: "a", users: 1)
        agent.iterations = statistics.iterations
        agent.hits = 1
        summary.agents = [agent, agent]
        let text = summary.text()
        for part in ["1 user × 1 iteration,", "1 iteration started, 0 ended, 1 hit\n", "1 user, 1 iteration, 1 hit,"] {
            #expect(text.contains(part), "\(part) is not in\n\(text)")
        }
    }

    @Test func saysWhichAgentDroppedHits() {
        var summary = Sample.fullSummary()
        var agents = ["alpha", "beta"].map { AgentShare(id: $0, name: $0, users: 1) }
        agents[1].droppedHits = 5
        summary.agents = agents
        let lines = summary.text().split(separator: "\n")
        let place = lines.firstIndex { $0.hasPrefix("  beta ") } ?? 0
        #expect(lines[place + 1] == "    dropped: 5 single hits, which the numbers count all the same", "\(lines)")
        #expect(lines.count { $0.hasPrefix("    dropped:") } == 1)
    }

    @Test func doesNotSpeakOfTheSessionWhenACrashTookTheHits() {
        var statistics = Statistics()
        statistics.iterations.started = 3
        var summary = Sample.summary(statistics)
        summary.crash = RunnerCrash(
            reason: "signal 5 (SIGTRAP)", output: "", unreportedStarted: 0, unreportedEnded: 0, unreportedHits: 2)
        #expect(!summary.text().contains("no Session"))
        #expect(summary.text().contains("hits        none\n"))
    }

    @Test func wideTimesOfArrivalsKeepTheirColumns() throws {
        var summary = Sample.openSummary()
        for _ in 0..<200 { summary.statistics.service.record(94_000) }
        for value in [1_209_084_000, 1_449_132_000, 1_499_221_000] as [Int64] {
            summary.statistics.service.record(value)
        }
        let lines = summary.text().split(separator: "\n").map(String.init)
        let head = try #require(lines.firstIndex { $0.contains("p99.9") && $0.contains("mean") })
        let service = try #require(lines.first { $0.contains("  service ") })
        #expect(lines[head].split(separator: " ").count == 8)
        #expect(service.split(separator: " ").count == 10, "\(service)")
    }

    @Test func alignsTheColumns() {
        let lines = NameTable(Sample.fullSummary().statistics, rate: { Double($0) / 2 }).lines(Style())
        #expect(Set(lines.map(\.count)).count == 1, "\(lines.joined(separator: "\n"))")
    }

    @Test(arguments: [40, 80, 100, 120, 200])
    func namesNeverPushTheTableOverTheEdge(_ width: Int) {
        let long = String(repeating: "/long", count: 60)
        let table = NameTable(Sample.statistics([Sample.hit(long, milliseconds: 1.5)]), rate: Double.init)
        let lines = table.lines(Style(width: width))
        let numbers = 2 + "  hits  failed    /s   min  mean   p50   p90   p95   p99  p99.9   max".count
        #expect(lines.allSatisfy { $0.count <= max(width, numbers) }, "\(lines.joined(separator: "\n"))")
    }

    @Test func colorsOnlyWhenAsked() {
        #expect(Sample.fullSummary().text(Style(colors: true)).contains("\u{1b}[31m"))
        #expect(!Sample.fullSummary().text(Style(colors: false)).contains("\u{1b}"))
    }

    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1 << 20, "1.0 MiB"), (1_048_575, "1.0 MiB"),
        (5 << 30, "5.0 GiB"),
    ])
    func bytesHaveBinaryUnits(_ value: Int, _ expected: String) { #expect(Figures.bytes(value) == expected) }

    @Test(arguments: [
        (213.4e3, "213 µs"), (1.5e3, "1.5 µs"), (999_600, "1.0 ms"), (4.7e6, "4.7 ms"), (12.34e9, "12.3 s"),
        (125e9, "2 m 05 s"), (3900e9, "1 h 05 m"), (59.96e9, "1 m 00 s"),
    ])
    func timesHaveFittingUnits(_ nanoseconds: Double, _ expected: String) {
        #expect(Figures.time(nanoseconds: nanoseconds) == expected)
    }

    @Test(arguments: [(0, 10, "0 %"), (10, 10, "100 %"), (1, 1_000_000, "0.01 %"), (999_999, 1_000_000, "99.99 %")])
    func aFewIsNotNothingAndNearlyAllIsNotAll(_ part: Int, _ whole: Int, _ expected: String) {
        #expect(Figures.percent(part, of: whole) == expected)
    }

    // MARK: What did not come to its end

    @Test func tellsWhatWasCutOffAndWhatWasCancelledWithTheRun() {
        var statistics = Sample.statistics([Sample.hit(milliseconds: 1)])
        statistics.iterations.interrupted = 7
        statistics.iterations.cutOff = 5
        statistics.names["GET /"]!.cancelled = 3
        statistics.names["GET /never"] = NameStatistics()
        statistics.names["GET /never"]!.cancelled = 1
        let text = Sample.summary(statistics).text()
        #expect(text.contains("2 interrupted, 5 cut off at the end of the grace"), "\(text)")
        #expect(text.contains("1: 0 failed"), "\(text)")
        #expect(text.contains("4 cancelled with the run, in no other figure"), "\(text)")
        #expect(!text.contains("GET /never"), "there is nothing to say of it")
    }

    // MARK: Arrivals

    private func open(_ parts: [MixPart]? = nil, _ change: (inout Summary) -> Void) -> String {
        var summary = Sample.summary(Statistics(), isURLTarget: true)
        let arrivals = Arrivals(rate: .perSecond(50), for: .seconds(2))
        summary.plan = parts.map { Plan(model: .mix($0)) } ?? Plan(arrivals: arrivals)
        summary.statistics.arrivals = ArrivalCounts(planned: 60, started: 60)
        for _ in 0..<60 {
            summary.statistics.response.record(50_000_000)
            summary.statistics.service.record(10_000_000)
        }
        var agent = AgentShare(id: "a", name: "alpha", users: 1)
        agent.state = .finished
        summary.agents = [agent]
        change(&summary)
        return summary.text()
    }

    @Test func whereAnAgentWasLostArrivalsAreThoseOfThePlan() {
        #expect(open { _ in }.contains("60 planned, 50.0/s; 60 started, 0 dropped"))
        let lost = open {
            $0.agents[0].missing = .init(from: 1, to: nil, hits: nil, reason: "silent")
            $0.agents[0].state = .lost
        }
        #expect(lost.contains("100 planned, 50.0/s, 40 of them missing; 60 started"), "\(lost)")
    }

    @Test func theRateOfArrivalsIsThatOfThePlanAndNotOfTheRun() {
        let late = open { ($0.statistics.arrivals, $0.duration) = (ArrivalCounts(planned: 100, started: 100), 2.8) }
        #expect(late.contains("100 planned, 50.0/s; 100 started, 0 dropped"), "\(late)")
        let stopped = open {
            ($0.statistics.arrivals, $0.interrupted) = (ArrivalCounts(planned: 60, started: 50, cancelled: 10), true)
        }
        #expect(stopped.contains("60 planned, 50.0/s; 50 started, 0 dropped, 10 cancelled with the run"), "\(stopped)")
    }

    @Test func saysWhichIterationsTheTimesAreAbout() {
        let waited = open { for _ in 0..<7 { $0.statistics.userWait.record(4_000_000_000) } }
        #expect(waited.contains("      wait  "), "\(waited)")
        #expect(waited.contains("s, of the 7 that waited for a user"), "\(waited)")
        #expect(!waited.contains("of all"))
        let parts = [MixPart(scenarios: ["a"], model: .arrivals(Arrivals(rate: .perSecond(50), for: .seconds(2))))]
        let mix = open(parts) { summary in
            for _ in 0..<20 {
                summary.statistics.service.record(5_000_000)
                summary.statistics.unscheduled.record(5_000_000)
            }
        }
        #expect(mix.contains("ms, of 60 arrivals") && mix.contains("ms, of all 80"), "\(mix)")
    }
}

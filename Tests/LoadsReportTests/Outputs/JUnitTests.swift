import Foundation
import LoadsCore
import Testing

@testable import LoadsReport

@Suite struct JUnitTests {
    private static let summaries: [Summary] = {
        var clean = Sample.summary(Sample.statistics([Sample.hit(milliseconds: 1)]))
        clean.target = "a & b < \"c\" > 'd' \u{1} \n"
        let failed = Sample.summary(
            Sample.statistics([Sample.hit(status: 500, milliseconds: 1)]), isURLTarget: true)
        return [clean, failed, Sample.fullSummary(), Sample.summary(Statistics()), Sample.mix(failed: 1)]
            + [try? Sample.judgedSummary()].compactMap(\.self)
    }()

    private func text(_ summary: Summary) -> String { String(decoding: summary.junit(), as: UTF8.self) }

    @Test func theTargetIsACaseThatFailsWithTheRun() {
        #expect(!text(Self.summaries[0]).contains("<failure"))
        let failed = text(Self.summaries[1])
        #expect(failed.contains("<testsuites name=\"loads\" tests=\"1\" failures=\"1\" errors=\"0\""))
        #expect(failed.contains("<failure message=\"1 of 1 hits failed\""))
    }

    @Test func aCrashIsAnError() {
        #expect(text(Self.summaries[2]).contains("<error message=\"the runner crashed: signal 11 (SIGSEGV)\""))
    }

    @Test func aLossOfAgentsIsNoCrash() {
        var lost = Sample.summary(Statistics())
        lost.crash = .lost("all its agents are lost")
        #expect(text(lost).contains("<error message=\"the run broke off: all its agents are lost\""))
        #expect(!text(lost).contains("the runner crashed"))
        let markdown = String(decoding: lost.markdown(.crashed), as: UTF8.self)
        #expect(markdown.contains("the run broke off") && !markdown.contains("the runner crashed"))
    }

    @Test func thresholdsAreCases() throws {
        let text = text(try Sample.judgedSummary())
        #expect(
            text.contains("<testsuite name=\"loads.thresholds\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""))
        #expect(text.contains("<testcase name=\"p95 &lt; 200ms\" classname=\"loads.thresholds\" time=\"0.000\"/>"))
        #expect(text.contains("<failure message=\"checks &gt; 99%: it was 87.5 %\""))
        #expect(text.contains("<skipped message=\"no hit is named GET /x\"/>"))
        // The check that failed is the threshold's matter, and so is the run.
        #expect(text.contains("<testsuite name=\"loads.checks\" tests=\"2\" failures=\"0\""))
        #expect(text.contains("<testsuites name=\"loads\" tests=\"6\" failures=\"1\" errors=\"0\""))
    }

    @Test func theBaselineIsACaseThatFailsForRegressions() throws {
        func junit(_ factor: Double) throws -> String {
            String(
                decoding: Sample.summary(Statistics()).junit(comparison: try Sample.comparison(factor)), as: UTF8.self)
        }
        let worse = try junit(2)
        #expect(worse.contains("<testsuite name=\"loads.baseline\" tests=\"1\" failures=\"1\""))
        #expect(worse.contains("<testcase name=\"no worse than the baseline\" classname=\"loads.baseline\""))
        #expect(worse.contains("<failure message=\"\(try Sample.comparison(2).conclusion)\""))
        let same = try junit(1)
        #expect(
            same.contains("<testcase name=\"no worse than the baseline\" classname=\"loads.baseline\" time=\"0.000\"/>")
        )
        #expect(!text(Sample.summary(Statistics())).contains("loads.baseline"))
    }

    @Test func eachScenarioOfAMixIsACase() {
        let clean = text(Sample.mix())
        #expect(clean.contains("<testsuites name=\"loads\" tests=\"2\" failures=\"0\" errors=\"0\""))
        for name in ["Shop/buys", "Shop/looks"] {
            #expect(clean.contains("<testcase name=\"\(name)\" classname=\"loads.scenarios\""))
        }
        let failed = text(Sample.mix(failed: 3))
        #expect(failed.contains("<testsuites name=\"loads\" tests=\"2\" failures=\"1\" errors=\"0\""))
        #expect(failed.contains("<failure message=\"3 of 10 iterations failed\""))
        // What is of no scenario is the run's.
        var crashed = Sample.mix()
        crashed.crash = RunnerCrash(
            reason: "signal 9", output: "", unreportedStarted: 0, unreportedEnded: 0, unreportedHits: 0)
        let text = text(crashed)
        #expect(
            text.contains("tests=\"3\" failures=\"0\" errors=\"1\"") && text.contains("name=\"Shop/buys Shop/looks\""))
        var judged = Sample.mix(failed: 3)
        judged.thresholds = [ThresholdResult(threshold: try! Threshold("errors < 50%"), state: .passed, actual: 0.15)]
        #expect(self.text(judged).contains("failures=\"0\""))
    }

    @Test func aTearDownThatWasNotDoneFailsWhateverThresholdsSay() throws {
        var summary = Self.summaries[0]
        summary.tearDownFailure = "the database does not answer"
        #expect(text(summary).contains("<failure message=\"the tear-down was not done\""))
        #expect(text(summary).contains("the database does not answer"))
        summary.thresholds = [ThresholdResult(threshold: try Threshold("errors < 50%"), state: .passed, actual: 0)]
        #expect(LoadsCore.ExitStatus(summary) == .failures)
        #expect(text(summary).contains("<failure message=\"the tear-down was not done\""))
        var mix = Sample.mix()
        (mix.thresholds, mix.tearDownFailure) = (summary.thresholds, "no")
        #expect(text(mix).contains("<testsuites name=\"loads\" tests=\"4\" failures=\"1\""))
    }

    @Test func aRunThatAThresholdHasStoppedFailsForItsOwnFailuresToo() throws {
        var summary = Self.summaries[1]
        var threshold = ThresholdResult(threshold: try Threshold("p95 < 1us"), state: .breached, actual: 1e6)
        threshold.aborted = true
        (summary.thresholds, summary.interrupted) = ([threshold], true)
        #expect(text(summary).contains("<failure message=\"1 of 1 hits failed\""))
    }

    @Test func checksAreCases() {
        let text = text(Self.summaries[2])
        #expect(text.contains("<testcase name=\"is fast\" classname=\"loads.checks\" time=\"0.000\"/>"))
        #expect(text.contains("<failure message=\"1 of 4 failed (75.0 % passed)\""))
    }

    /// xmllint holds it against the schema that Ant and Jenkins go by, as this repository has written it down.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/xmllint"), "no xmllint"))
    func theSchemaTakesIt() throws {
        let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/junit.xsd"
        for summary in Self.summaries {
            let path = NSTemporaryDirectory() + "loads-\(UUID().uuidString).xml"
            try Data(summary.junit()).write(to: URL(fileURLWithPath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            try OutputsPython.succeed(["xmllint", "--noout", "--schema", schema, path])
        }
    }

    @Test(.enabled(if: OutputsPython.path != nil, "no Python with junitparser: bin/test makes one"))
    func junitparserReadsIt() throws {
        let path = NSTemporaryDirectory() + "loads-\(UUID().uuidString).xml"
        try Data(Self.summaries[2].junit()).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let script = """
            import sys
            from junitparser import JUnitXml
            for suite in JUnitXml.fromfile(sys.argv[1]):
                print(suite.name, suite.tests, suite.failures, suite.errors)
                for case in suite: print(" ", case.name, [type(r).__name__ for r in case.result])
            """
        #expect(
            try OutputsPython.run(script, [path]) == """
                loads.scenarios 1 0 1
                  BlogTests.TestWebSite/something ['Error']
                loads.checks 2 1 0
                  has token ['Failure']
                  is fast []

                """)
    }

    @Test func whereItIsStrictTheVerdictIsACase() {
        var summary = Self.summaries[0]
        #expect(!text(summary).contains("loads.verdict"))
        func strict() -> String { String(decoding: summary.junit(strict: true), as: UTF8.self) }
        let trusted = "<testcase name=\"the numbers can be trusted\" classname=\"loads.verdict\" time=\"0.000\""
        #expect(strict().contains(trusted + "/>"))
        summary.statistics.iterations.cutOff = 1
        #expect(strict().contains(trusted + ">") && strict().contains("<error message=\"the run is incomplete\""))
        #expect(strict().contains("errors=\"1\""))
    }
}

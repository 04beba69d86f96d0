import Foundation
import LoadsCore
import TestSupport
import Testing

/// Tests of Swift Testing, unchanged, run as a load in a process of their own.
@Suite(.blocking) struct SwiftTestingRunTests {
    private func run(
        _ tests: String..., users: Int = 5, iterations: Int = 20, environment: [String: String] = ["KINDS_FAIL": "1"]
    ) throws -> RunnerProcess.Outcome {
        try RunnerProcess(executable: FixturePackage.withLoads.get(), environment: environment)
            .run(tests.map { "KindsTests" + $0 }, users: users, iterations: iterations)
    }

    @Test(arguments: [
        ".Kinds/fresh", ".Kinds/synchronous", ".Kinds/parameterized", ".Kinds/knowsItsTest", ".Kinds/known",
        ".Kinds/limited", ".Kinds/confirms", ".Serial/each", ".Scoped/seesTheSuite", ".Scoped.Inner/seesTheCase",
        ".Scoped.Inner/seesTheSuiteToo", ".OnMain/synchronous", ".OnMain/asynchronous", "/free", "/`a raw name`",
        ".Failing/warns",
    ])
    func runsExactlyTheIterationsAskedFor(test: String) throws {
        let outcome = try run(test)
        #expect(outcome.statistics.iterations.started == 100)
        #expect(outcome.statistics.iterations.ok == 100)
        #expect(outcome.statistics.failures.isEmpty)
        #expect(outcome.statistics.health.orphanFailures == 0)
        #expect(outcome.ended && outcome.exitCode == 0)
        #expect(outcome.output == "")
    }

    @Test func drawsOneOfSeveralTestsForEachIteration() throws {
        let outcome = try run(
            ".Kinds/fresh", ".Kinds/knowsItsTest", ".Kinds/alsoKnowsItsTest", ".Serial/each", ".Scoped/seesTheSuite",
            ".Scoped.Inner/seesTheCase", ".XCTKinds/testAsynchronous", ".XCTKinds/testSynchronous", iterations: 100)
        #expect(outcome.statistics.iterations.started == 500)
        #expect(outcome.statistics.iterations.ok == 500)
        #expect(outcome.statistics.failures.isEmpty)
    }

    @Test func weighsTheCasesOfATestEqually() throws {
        let outcome = try run(".Failing/oneOfFour", iterations: 200)
        let counts = outcome.statistics.iterations
        #expect(counts.ok + counts.failed == 1000)
        // A quarter of 1,000, give or take six standard deviations.
        #expect((168...332).contains(counts.failed))
    }

    @Test(arguments: [
        ("expectation", "SwiftTestingKinds.swift:55", "1 + 1"),
        ("throwing", "KindsTests.Failing/throwing threw Mishap", "Mishap"),
        ("requirement", "SwiftTestingKinds.swift:57", "nil"),
        ("child", "SwiftTestingKinds.swift:67", "false"),
        ("unstructured", "SwiftTestingKinds.swift:64", "false"),
    ])
    func countsAFailedIterationOnce(test: String, place: String, message: String) throws {
        let outcome = try run(".Failing/" + test)
        #expect(outcome.statistics.iterations.failed == 100)
        #expect(outcome.statistics.failures.count == 1)
        let failures = try #require(outcome.statistics.failures[place])
        #expect(failures.count == 100)
        #expect(failures.sample.contains(message))
        #expect(outcome.output == "")
    }

    @Test func countsFailuresThatLostTheirIterationApart() throws {
        let outcome = try run(".Failing/orphan")
        #expect(outcome.statistics.iterations.ok == 100)
        #expect(outcome.statistics.health.orphanFailures == 100)

        // Swift Testing offers such an issue to the scope of every parked case.
        let several = try run(".Failing/orphan", ".Serial/each", ".Kinds/fresh", iterations: 100)
        #expect((1..<250).contains(several.statistics.health.orphanFailures))
    }

    @Test func anAbortReachesTheBodies() throws {
        let outcome = try RunnerProcess(
            executable: FixturePackage.withLoads.get(), environment: ["KINDS_SLOW": "1"]
        ).run(["KindsTests.Slow/sleeps"], abortOnceStarted: 5)
        #expect(outcome.statistics.iterations.started == 5)
        #expect(outcome.statistics.iterations.interrupted == 5)
        #expect(outcome.statistics.failures.isEmpty)
        #expect(outcome.ended && outcome.exitCode == 0)
    }

    @Test func aCancelledTestIsSkippedAndTheUserGoesOn() throws {
        let outcome = try run(".Failing/cancelling")
        #expect(outcome.statistics.iterations.started == 100)
        #expect(outcome.statistics.iterations.skipped == 100)
    }

    @Test func doesNotRunDisabledTests() throws {
        let refused = try run(".Kinds/disabled", ".Kinds/notEnabled")
        #expect(refused.refusal?.code == 69)
        #expect(refused.refusal?.message.contains("KindsTests.Kinds/disabled is disabled (not today)") == true)
        #expect(refused.statistics.iterations.started == 0)

        let reduced = try run(".Kinds/disabled", ".Kinds/fresh")
        #expect(reduced.notes == ["not run: KindsTests.Kinds/disabled is disabled (not today)"])
        #expect(reduced.statistics.iterations.ok == 100)

        let suite = try run(".Failing/throwing", environment: [:])
        #expect(suite.refusal?.message.contains("KindsTests.Failing/throwing is disabled") == true)
    }

    @Test func whatWasMeasuredBeforeACrashIsReported() throws {
        let outcome = try run(
            ".Failing/crash", environment: ["KINDS_FAIL": "1", "SWIFT_BACKTRACE": "enable=no"])
        #expect(outcome.exitCode < 0, "a signal ends it")
        #expect(!outcome.ended)
        #expect(outcome.statistics.iterations.started == 5)
        #expect(outcome.output.contains("Fatal error: on purpose"))
    }

    @Test func refusesWhatItCannotRun() throws {
        #expect(try run(".Kinds/nope").refusal?.message == "no such test: KindsTests.Kinds/nope")
        #expect(try run("/noCases").refusal?.code == 69)
    }

    @Test func bodiesRunOnThreadsOfTheirOwn() throws {
        let outcome = try RunnerProcess(executable: FixturePackage.withLoads.get())
            .run(["KindsTests.Kinds/fresh", "KindsTests.Kinds/parameterized"]) { $0.threads = true }
        #expect(outcome.statistics.iterations.ok == 100)
    }
}

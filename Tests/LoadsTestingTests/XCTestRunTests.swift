import LoadsCore
import TestSupport
import Testing

/// Tests of XCTest, unchanged, run as a load in a process of their own.
@Suite(.blocking) struct XCTestRunTests {
    private func run(_ tests: String...) throws -> RunnerProcess.Outcome {
        try RunnerProcess(executable: FixturePackage.withLoads.get(), environment: ["KINDS_FAIL": "1"])
            .run(tests.map { "KindsTests." + $0 })
    }

    @Test(arguments: ["Synchronous", "Throwing", "Asynchronous", "Unwrapping", "Expectation"])
    func runsTheStepsInXCTestsOrder(test: String) throws {
        let outcome = try run("XCTKinds/test" + test)
        #expect(outcome.statistics.iterations.started == 100)
        #expect(outcome.statistics.iterations.ok == 100)
        #expect(outcome.statistics.failures.isEmpty)
        #expect(outcome.ended && outcome.exitCode == 0)
        #expect(outcome.output == "")
    }

    @Test func setsUpAClassOnceForTheRun() throws {
        let outcome = try run("XCTOnce/testOnce", "XCTOnce/testOnceMore")
        #expect(outcome.statistics.iterations.ok == 100)
        #expect(outcome.output == "class tearDown after 1 setUp\n")
    }

    @Test func skippedIterationsAreNoFailures() throws {
        let outcome = try run("XCTKinds/testSkipping")
        #expect(outcome.statistics.iterations.skipped == 100)
        #expect(outcome.statistics.failures.isEmpty)
    }

    @Test(arguments: [
        ("XCTFailing/testAssertion", "XCTestKinds.swift:61", "arithmetic"),
        ("XCTFailing/testThrowing", "KindsTests.XCTFailing/testThrowing threw Mishap", "Mishap"),
        ("XCTFailing/testUnwrap", "XCTestKinds.swift:63", "XCTUnwrap failed"),
        ("XCTFailing/testTimesOut", "XCTestKinds.swift:67", "timeout"),
        ("XCTSetUpFails/testBody", "KindsTests.XCTSetUpFails/testBody setUpWithError() threw Mishap", "Mishap"),
    ])
    func countsAFailedIterationOnce(test: String, place: String, message: String) throws {
        let outcome = try run(test)
        #expect(outcome.statistics.iterations.failed == 100)
        #expect(Array(outcome.statistics.failures.keys) == [place])
        #expect(outcome.failures(place) == 100)
        #expect(outcome.statistics.failures[place]?.sample.contains(message) == true)
        #expect(outcome.statistics.health.orphanFailures == 0)
    }

    @Test func countsFailuresThatLostTheirIterationApart() throws {
        let outcome = try run("XCTFailing/testOrphan")
        #expect(outcome.statistics.iterations.ok == 100)
        #expect(outcome.statistics.health.orphanFailures == 100)
    }

    @Test func mainActorTestsRun() throws {
        #expect(try run("XCTOnMain/testAsynchronous").statistics.iterations.ok == 100)
    }
}

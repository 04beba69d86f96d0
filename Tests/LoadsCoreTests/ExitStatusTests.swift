import LoadsCore
import LoadsEventLoop
import Testing

@Suite struct ExitStatusTests {
    private func summary(
        failedIterations: Int = 0, failedHits: Int = 0, orphans: Int = 0, interrupted: Bool = false, url: Bool = false,
        crashed: Bool = false, iterations: Int = 5, interruptedIterations: Int = 0, hits: Int = 10
    ) -> Summary {
        var statistics = Statistics()
        statistics.iterations.started = iterations
        statistics.iterations.failed = failedIterations
        statistics.iterations.interrupted = interruptedIterations
        statistics.health.orphanFailures = orphans
        var name = NameStatistics()
        name.count = hits
        name.failed = failedHits
        statistics.names["GET /"] = name
        let crash = RunnerCrash(
            reason: "signal 11", output: "", unreportedStarted: 0, unreportedEnded: 0, unreportedHits: 0)
        return Summary(
            id: "1", target: "t", startedAt: 0, duration: 1, interrupted: interrupted,
            plan: Plan(cycles: [.init(users: 1, amount: .iterations(1))]), statistics: statistics, isURLTarget: url,
            crash: crashed ? crash : nil)
    }

    @Test func passesWhenNothingFailed() {
        #expect(ExitStatus(summary()) == .passed)
        #expect(ExitStatus(summary(url: true)) == .passed)
    }

    @Test func followsIterationsOfTestsAndHitsOfURLs() {
        #expect(ExitStatus(summary(failedIterations: 1)) == .failures)
        #expect(ExitStatus(summary(failedHits: 1)) == .passed)
        #expect(ExitStatus(summary(failedHits: 1, url: true)) == .failures)
        #expect(ExitStatus(summary(failedIterations: 1, url: true)) == .passed)
        #expect(ExitStatus(summary(orphans: 1)) == .failures)
    }

    @Test func whatHangsUntilTheGraceEndsFailsUnlessThereIsNone() {
        var run = summary(interruptedIterations: 3)
        #expect(ExitStatus(run) == .passed, "somebody may have stopped them")
        run.statistics.iterations.cutOff = 3
        #expect(ExitStatus(run) == .failures)
        run.plan.grace = .zero
        #expect(ExitStatus(run) == .passed)
        var silent = summary(iterations: 3, interruptedIterations: 3, hits: 0)
        silent.statistics.iterations.cutOff = 3
        #expect(ExitStatus(silent) == .nothingToRun)
    }

    @Test func followsTheHitsWhereThereAreNoIterations() {
        #expect(ExitStatus(summary(iterations: 0)) == .passed)
        #expect(ExitStatus(summary(failedHits: 1, iterations: 0)) == .failures)
    }

    @Test func takesTheGravestReasonFirst() {
        #expect(ExitStatus(summary(failedIterations: 1, crashed: true)) == .crashed)
        #expect(ExitStatus(summary(failedIterations: 1, crashed: true), fault: true) == .fault)
        #expect(ExitStatus(summary(failedIterations: 1, interrupted: true, crashed: true), fault: true) == .interrupted)
    }

    private func result(
        _ expression: String, _ state: ThresholdResult.State, aborted: Bool = false
    ) throws -> ThresholdResult {
        ThresholdResult(threshold: try Threshold(expression), state: state, aborted: aborted)
    }

    @Test func aBreachedThresholdHasACodeOfItsOwn() throws {
        var run = summary()
        run.thresholds = [try result("p95 < 1s", .passed)]
        #expect(ExitStatus(run) == .passed)
        run.thresholds.append(try result("p99 < 1s", .breached))
        #expect(ExitStatus(run) == .breached)
        run.statistics.iterations.failed = 1
        #expect(ExitStatus(run) == .breached)
        run.crash = RunnerCrash(
            reason: "signal 11", output: "", unreportedStarted: 0, unreportedEnded: 0, unreportedHits: 0)
        #expect(ExitStatus(run) == .crashed)
    }

    @Test func aRunThatAThresholdHasStoppedWasNotInterrupted() throws {
        var run = summary(interrupted: true)
        run.thresholds = [try result("p95 < 1s abort", .breached)]
        #expect(ExitStatus(run) == .interrupted)
        run.thresholds = [try result("p95 < 1s abort", .breached, aborted: true)]
        #expect(ExitStatus(run) == .breached)
    }

    @Test(arguments: ["errors < 5%", "errors(GET /) < 5%", "checks(token) > 99%", "checks > 99%"])
    func aThresholdOnErrorsOrChecksDecidesInPlaceOfFailures(_ expression: String) throws {
        var run = summary(failedHits: 1, url: true)
        run.thresholds = [try result("p95 < 1s", .passed)]
        #expect(ExitStatus(run) == .failures)
        run.thresholds = [try result(expression, .passed)]
        #expect(ExitStatus(run) == .passed)
        run.thresholds = [try result(expression, .breached)]
        #expect(ExitStatus(run) == .breached)
        run.thresholds = [try result(expression, .unjudged)]
        #expect(ExitStatus(run) == .failures, "what was not judged decides nothing")
    }

    @Test func strictRefusesWhatCannotBeTrusted() throws {
        var run = summary()
        run.statistics.iterations.ok = 5
        #expect(ExitStatus(run, strict: true) == .passed)
        run.thresholds = [try result("p95 < 1s", .breached)]
        #expect(ExitStatus(run, strict: true) == .breached)
        run.statistics.health.lag.held = 500_000_000
        #expect(ExitStatus(run) == .breached)
        #expect(ExitStatus(run, strict: true) == .invalid, "a number that is wrong breaches nothing")
        run.statistics.health.lag.held = 0
        run.thresholds = [try result("p95(nobody) < 1s", .unjudged)]
        #expect(ExitStatus(run) == .passed)
        #expect(ExitStatus(run, strict: true) == .invalid)
        run.interrupted = true
        #expect(ExitStatus(run, strict: true) == .interrupted)
    }

    @Test func aRunThatMeasuredNothingDoesNotPass() {
        #expect(ExitStatus(summary(iterations: 0, hits: 0)) == .nothingToRun)
        #expect(ExitStatus(summary(url: true, iterations: 3, interruptedIterations: 3, hits: 0)) == .nothingToRun)
        #expect(ExitStatus(summary(interrupted: true, iterations: 0, hits: 0)) == .interrupted)
        #expect(ExitStatus(summary(crashed: true, iterations: 0, hits: 0)) == .crashed)
        #expect(ExitStatus(summary(orphans: 1, iterations: 0, hits: 0)) == .failures)
    }

    @Test func numbersAreThoseDocumented() {
        #expect(ExitStatus.allCases.map(\.rawValue) == [0, 1, 3, 4, 64, 65, 69, 70, 71, 130])
    }
}

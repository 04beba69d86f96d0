import LoadsCore
import Testing

@Suite struct ExitStatusTests {
    private func summary(
        failedIterations: Int = 0, failedHits: Int = 0, orphans: Int = 0, interrupted: Bool = false, url: Bool = false,
        crashed: Bool = false, iterations: Int = 5
    ) -> Summary {
        var statistics = Statistics()
        statistics.iterations.started = iterations
        statistics.iterations.failed = failedIterations
        statistics.health.orphanFailures = orphans
        var name = NameStatistics()
        name.count = 10
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

    @Test func followsTheHitsWhereThereAreNoIterations() {
        #expect(ExitStatus(summary(iterations: 0)) == .passed)
        #expect(ExitStatus(summary(failedHits: 1, iterations: 0)) == .failures)
    }

    @Test func takesTheGravestReasonFirst() {
        #expect(ExitStatus(summary(failedIterations: 1, crashed: true)) == .crashed)
        #expect(ExitStatus(summary(failedIterations: 1, crashed: true), fault: true) == .fault)
        #expect(ExitStatus(summary(failedIterations: 1, interrupted: true, crashed: true), fault: true) == .interrupted)
    }

    @Test func numbersAreThoseDocumented() {
        #expect(ExitStatus.allCases.map(\.rawValue) == [0, 1, 64, 65, 69, 70, 71, 130])
    }
}

import LoadsEventLoop
import Testing

@testable import LoadsCore

/// Who is at its limit, told from what a step has measured.
@Suite struct SizeStepTests {
    /// A step of 100 arrivals a second.
    private func outcome(
        users: Int, dropped: Int, breached: Bool = false, lag: Int64 = 0, judged: Bool = true,
        _ change: (inout Summary) -> Void = { _ in }
    ) throws -> SizeStep.Outcome {
        try step(users, dropped, breached: breached, lag: lag, judged: judged, change).outcome
    }

    private func step(
        _ users: Int, _ dropped: Int, breached: Bool = false, lag: Int64 = 0, judged: Bool = true,
        _ change: (inout Summary) -> Void
    ) throws -> SizeStep {
        var statistics = Statistics()
        statistics.arrivals = ArrivalCounts(planned: 1000, started: 1000 - dropped, dropped: dropped)
        (statistics.iterations.started, statistics.iterations.ok) = (1000 - dropped, 1000 - dropped)
        for _ in 0..<1000 - dropped {
            statistics.service.record(1_000_000)
            statistics.scheduleLag.record(lag)
        }
        var summary = Summary(
            id: "r", target: "t", startedAt: 0, duration: 10, interrupted: false,
            plan: Plan(arrivals: Arrivals(rate: .perSecond(100), for: .seconds(10), maxUsers: users)),
            statistics: statistics, isURLTarget: true)
        let state: ThresholdResult.State = breached ? .breached : judged ? .passed : .unjudged
        summary.thresholds = [ThresholdResult(threshold: try Threshold("p95 < 200ms"), state: state, actual: 1e6)]
        change(&summary)
        return SizeStep(load: 100, purpose: .climb, summary: summary)
    }

    @Test func whatIsKeptIsKept() throws {
        #expect(try outcome(users: 7, dropped: 0) == .kept)
        #expect(try outcome(users: 7, dropped: 0, judged: false) == .unclear)
    }

    @Test func aTargetThatKeepsTheUsersOfTenSecondsIsTooSlow() throws {
        #expect(try outcome(users: 1000, dropped: 5) == .breached)
        #expect(try outcome(users: 5000, dropped: 5) == .breached)
    }

    @Test func withFewerUsersTheBoundIsTheLimit() throws {
        #expect(try outcome(users: 999, dropped: 5) == .bounded)
        #expect(try outcome(users: 1, dropped: 900) == .bounded)
    }

    @Test func aBreachIsTheTargetsHoweverFewTheUsers() throws {
        #expect(try outcome(users: 1, dropped: 900, breached: true) == .breached)
        #expect(try outcome(users: 1, dropped: 0, breached: true) == .breached)
    }

    @Test func aGeneratorThatIsLateComesFirst() throws {
        #expect(try outcome(users: 1, dropped: 900, breached: true, lag: 50_000_000) == .generatorLimited)
    }

    /// One of ten waited for half a second: the verdict is `user-wait`.
    private func waits(_ summary: inout Summary) {
        for _ in 0..<100 { summary.statistics.userWait.record(500_000_000) }
    }

    @Test func arrivalsThatWaitLongAreAsGoodAsDropped() throws {
        #expect(try outcome(users: 1000, dropped: 0, waits) == .breached)
        #expect(try outcome(users: 999, dropped: 0, waits) == .bounded)
        #expect(try outcome(users: 1, dropped: 0, breached: true, waits) == .breached)
        #expect(try outcome(users: 1, dropped: 0, lag: 50_000_000, waits) == .generatorLimited)
        #expect(try step(999, 0, waits).reason?.code == .userWait)
        #expect(try step(999, 5, waits).reason?.code == .droppedArrivals)
        #expect(try step(1, 0, breached: true, waits).reason == nil, "it is the threshold")
    }

    /// Ten had not ended when the grace was over: the verdict is `cut-off`.
    private func cuts(_ summary: inout Summary) {
        summary.statistics.iterations.ok -= 10
        (summary.statistics.iterations.interrupted, summary.statistics.iterations.cutOff) = (10, 10)
    }

    @Test func whatATargetThatHangsBreaksIsBroken() throws {
        #expect(try outcome(users: 1000, dropped: 0, breached: true, cuts) == .breached)
        #expect(try outcome(users: 1000, dropped: 5, cuts) == .breached)
        // Whether it would have been kept to nobody knows.
        #expect(try outcome(users: 1000, dropped: 0, cuts) == .unclear)
        #expect(try step(1000, 0, cuts).reason?.code == .cutOff)
        // The reason is the generator's, and not the first of the verdict.
        let late = try step(1000, 0, lag: 50_000_000, cuts)
        #expect(late.outcome == .generatorLimited && late.reason?.code == .scheduleLag)
    }

    @Test func whatIsMissingOtherwiseIsUnclear() throws {
        let lost: (inout Summary) -> Void = { $0.crash = .lost("all its agents are lost") }
        #expect(try outcome(users: 1000, dropped: 0, breached: true, lost) == .unclear)
    }

    @Test func theRateIsOfWhatIsMeasuredAfterTheWarmUp() throws {
        let step = try step(1000, 0) { $0.plan.warmUp = .seconds(5) }
        #expect(step.rate == 200)
    }
}

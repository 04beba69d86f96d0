import LoadsEventLoop
import Testing

@testable import LoadsCore

/// Who is at its limit, told from what a step has measured.
@Suite struct SizeStepTests {
    /// A step of 100 arrivals a second.
    private func outcome(
        users: Int, dropped: Int, breached: Bool = false, lag: Int64 = 0, judged: Bool = true
    ) throws -> SizeStep.Outcome {
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
        return SizeStep(load: 100, purpose: .climb, summary: summary).outcome
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
}

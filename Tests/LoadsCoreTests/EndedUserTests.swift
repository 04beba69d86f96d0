import LoadsEventLoop
import Synchronization
import Testing

@testable import LoadsCore

/// Users that a test ends, as a feeder does whose rows are used up.
@Suite(.timeLimit(.minutes(5))) struct EndedUserTests {
    /// Rows for the users below a number; the others fail once, and end.
    private static func body(_ rows: Int, _ seen: Log<Int>) -> Outcome.Body {
        { context in
            seen.add(context.user.number)
            if context.user.number < rows {
                await context.wait(.milliseconds(1))
                return .ok
            }
            context.endUser()
            return .failed
        }
    }

    @Test func arrivalsGoToTheUsersThatAreLeft() async {
        // All six users are made before the first arrival: four of them end at their first one.
        let seen = Log<Int>()
        var plan = Plan(
            arrivals: Arrivals(rate: .perSecond(100), for: .milliseconds(600), maxUsers: 6, queue: 1000))
        plan.loops = 2
        let outcome = await Outcome.of(plan, Self.body(2, seen))
        let total = outcome.total
        #expect(total.arrivals == ArrivalCounts(planned: 60, started: 60, dropped: 0))
        #expect(total.iterations.failed <= 4 && total.iterations.ok + total.iterations.failed == 60)
        #expect(Set(seen.entries).subtracting([0, 1]).allSatisfy { user in seen.entries.count { $0 == user } == 1 })
        #expect(outcome.ending == RunEnding(interrupted: false, endedUsers: total.iterations.failed))
    }

    @Test func arrivalsWithoutAnyUserEndTheRun() async {
        let seen = Log<Int>()
        var plan = Plan(arrivals: Arrivals(rate: .perSecond(500), for: .seconds(3600), maxUsers: 5, queue: 10))
        plan.loops = 2
        let outcome = await Outcome.of(plan, Self.body(0, seen))
        let arrivals = outcome.total.arrivals
        #expect(seen.entries.sorted() == [0, 1, 2, 3, 4] && outcome.total.iterations.failed == 5)
        #expect(arrivals.started == 5 && arrivals.planned == 5 + arrivals.dropped)
        #expect(outcome.ending == RunEnding(interrupted: false, endedUsers: 5, wasDeserted: true))
    }

    @Test func stagesGoOnWithTheUsersThatAreLeft() async {
        let seen = Log<Int>()
        let stages = [(0, 3), (400, 3), (0, 1), (50, 1), (0, 3), (400, 3)]
        let plan = Plan(
            model: .users(UserStages(stages: stages.map { UserStage(duration: .milliseconds($0.0), users: $0.1) })))
        let outcome = await Outcome.of(plan, Self.body(1, seen))
        #expect(seen.entries.count { $0 == 1 } == 1 && seen.entries.count { $0 == 2 } == 1)
        #expect(outcome.total.iterations.ok > 10 && outcome.ending.endedUsers == 2)
    }

    @Test func stagesWithoutAnyUserEndTheRun() async {
        let seen = Log<Int>()
        let stages = [UserStage(duration: .zero, users: 3), UserStage(duration: .seconds(3600), users: 3)]
        let outcome = await Outcome.of(Plan(model: .users(UserStages(stages: stages))), Self.body(0, seen))
        #expect(seen.entries.sorted() == [0, 1, 2])
        #expect(outcome.ending == RunEnding(interrupted: false, endedUsers: 3, wasDeserted: true))
    }

    @Test func aCycleWithoutAnyUserEnds() async {
        let seen = Log<Int>()
        let outcome = await Outcome.of(Plan(users: 3, duration: .seconds(3600)), Self.body(0, seen))
        #expect(seen.entries.sorted() == [0, 1, 2])
        #expect(outcome.ending == RunEnding(interrupted: false, endedUsers: 3, wasDeserted: true))
    }

    @Test func aFurtherCycleHasNoIterationsOfUsersThatHaveEnded() async {
        let seen = Log<Int>()
        let cycles = [2, 4].map { Plan.Cycle(users: $0, amount: .iterations(3)) }
        let outcome = await Outcome.of(Plan(cycles: cycles), Self.body(1, seen))
        #expect(seen.entries.sorted() == [0, 0, 0, 0, 0, 0, 1, 2, 3])
        #expect(outcome.ending == RunEnding(interrupted: false, endedUsers: 3, wasDeserted: false))
    }

    @Test func onePartOfAMixWithoutUsersDoesNotEndTheOthers() async {
        let parts = [
            MixPart(
                scenarios: ["s0"],
                model: .arrivals(Arrivals(rate: .perSecond(100), for: .seconds(3600), maxUsers: 2))),
            MixPart(scenarios: ["s1"], model: .cycles([Plan.Cycle(users: 1, amount: .iterations(100))])),
        ]
        let outcome = await Outcome.of(
            Plan(model: .mix(parts)),
            { context in
                context.endUser()
                return .skipped
            },
            { context in
                await context.wait(.milliseconds(1))
                return .ok
            })
        #expect(outcome.total.iterations.skipped == 2 && outcome.total.iterations.ok == 100)
    }
}

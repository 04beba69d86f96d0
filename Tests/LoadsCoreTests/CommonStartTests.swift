import LoadsEventLoop
import Synchronization
import Testing

@testable import LoadsCore

/// A run that is prepared first and started by somebody else.
@Suite(.timeLimit(.minutes(5))) struct CommonStartTests {
    private struct Started: Sendable {
        var start: Instant
        var late: Duration
    }

    private static func scenario(_ body: @escaping Outcome.Body) -> [Scenario] { [Scenario(name: "s", body: body)] }

    @Test func usersStartAtTheGivenPointAndItIsTimeZero() async throws {
        let at = Log<Instant>()
        let after = Log<Instant>()
        let batches = Log<Batch>()
        let told = Log<Started>()
        var plan = Plan(users: 3, iterations: 2)
        plan.rawHits = true
        let runner = ScenarioRunner(
            plan: plan,
            scenarios: Self.scenario { context in
                at.add(.now)
                context.user.record(.sample(), iteration: context.number)
                after.add(.now)
                return .ok
            }, onBatch: { batches.add($0) })
        let start = Instant.now.advanced(by: .milliseconds(120))
        let ending = await runner.run(startingAt: { start }, onStart: { told.add(Started(start: $0, late: $1)) })
        #expect(ending == RunEnding(interrupted: false))
        #expect(at.entries.count == 6 && at.entries.allSatisfy { $0 >= start })
        #expect(told.entries.map(\.start) == [start])
        #expect(try #require(told.entries.first).late >= .zero)
        let hits = batches.entries.flatMap(\.hits)
        #expect(hits.count == 6)
        // Each lies between the two readings around it: so do the first, the second and so on of each.
        func seconds(_ times: Log<Instant>) -> [Double] {
            times.entries.map { Double($0.nanoseconds(since: start)) / 1e9 }.sorted()
        }
        for (hit, (before, after)) in zip(hits.map(\.time).sorted(), zip(seconds(at), seconds(after))) {
            #expect(hit >= before - 1e-6 && hit <= after + 1e-6)
        }
    }

    @Test func batchesCoverTheRunWithoutAGap() async {
        let batches = Log<Batch>()
        let runner = ScenarioRunner(
            plan: Plan(users: 1, iterations: 60),
            scenarios: Self.scenario { context in
                await context.wait(.milliseconds(10))
                return .ok
            }, onBatch: { batches.add($0) })
        _ = await runner.run(startingAt: { .now.advanced(by: .milliseconds(30)) })
        let all = batches.entries
        #expect(all.count >= 3 && all[0].from == 0)
        for (one, next) in zip(all, all.dropFirst()) { #expect(one.to == next.from && one.from < one.to) }
        #expect(all.last!.to >= 0.6)
        var merged = all[0]
        for batch in all.dropFirst() { merged.merge(batch) }
        #expect(merged.from == 0 && merged.to == all.last!.to)
    }

    @Test func whoIsLateStartsAtOnceAndSaysHowLate() async throws {
        let told = Log<Started>()
        let runner = ScenarioRunner(
            plan: Plan(users: 2, iterations: 3), scenarios: Self.scenario { _ in .ok }, onBatch: { _ in })
        let start = Instant.now.advanced(by: .seconds(-2))
        let ending = await runner.run(startingAt: { start }, onStart: { told.add(Started(start: $0, late: $1)) })
        #expect(!ending.interrupted)
        #expect(try #require(told.entries.first).late >= .seconds(2))
    }

    @Test func aDurationEndsForAllAtOnce() async {
        let ran = Log<Int>()
        let runner = ScenarioRunner(
            plan: Plan(users: 2, duration: .seconds(1000)),
            scenarios: Self.scenario { context in
                ran.add(context.number)
                return .ok
            }, onBatch: { _ in })
        _ = await runner.run(startingAt: { .now.advanced(by: .seconds(-1001)) })
        #expect(ran.entries.isEmpty, "its time was over before it came")
    }

    @Test(arguments: [false, true])
    func aStopBeforeTheStartRunsNothing(whileWaiting: Bool) async {
        let ran = Log<Int>()
        let batches = Log<Batch>()
        let started = Log<Int>()
        let runner = ScenarioRunner(
            plan: Plan(users: 2, iterations: 3),
            scenarios: Self.scenario {
                ran.add($0.number)
                return .ok
            }, onBatch: { batches.add($0) })
        let ending = await runner.run(
            startingAt: {
                runner.stop()
                return whileWaiting ? .now.advanced(by: .seconds(1000)) : nil
            }, onStart: { _, _ in started.add(1) })
        #expect(ending == RunEnding(interrupted: true))
        #expect(ran.entries.isEmpty && batches.entries.isEmpty && started.entries.isEmpty)
    }
}

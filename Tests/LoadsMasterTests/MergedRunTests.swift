import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsMaster

@Suite struct MergedRunTests {
    private let a = Intake.Source(agent: "a", epoch: "1")
    private let b = Intake.Source(agent: "b", epoch: "1")

    @Test func aBatchBelongsToTheSecondInWhichItsMiddleLies() {
        func second(_ from: Double, _ to: Double) -> Int { Batch.second(from: from, to: to) }
        #expect(second(0, 0.1) == 0)
        #expect(second(0.9, 1) == 0)
        #expect(second(0.96, 1.06) == 1)
        #expect(second(-5, -4) == 0)
        #expect(second(.nan, 1) == 0)
        #expect(second(0, .infinity) == 0)
        #expect(second(0, 1e300) == Batch.lastSecond)
    }

    @Test func healthAddsUpOverAgentsAndPeaksAreOfOne() {
        var run = MergedRun(maxNames: 10)
        for (source, cpu, memory) in [(a, 1.0, 100), (b, 2.0, 70), (a, 1.5, 90)] {
            var batch = batch(1, users: 3)
            batch.statistics.health.cpuSeconds = cpu
            batch.statistics.health.peakResidentBytes = memory
            batch.statistics.health.droppedHits = 1
            run.take(batch, from: source)
        }
        run.fold()
        #expect(run.total.health.cpuSeconds == 3.5)
        #expect(run.total.health.peakResidentBytes == 100)
        #expect(run.total.health.droppedHits == 3)
        #expect(run.total.users == 6)
        run.ended(a)
        #expect(run.total.users == 3)
    }

    @Test func anObserverIsToldOfEachSecondOnce() {
        var run = MergedRun(maxNames: 10)
        run.take(batch(1, from: 0, to: 0.1), from: a)
        #expect(run.takeUnseen().isEmpty, "nobody watched")
        run.isObserved = true
        run.take(batch(2, from: 2, to: 2.1, users: 3), from: a)
        run.take(batch(3, from: 1, to: 1.1, users: 4), from: b)
        run.take(batch(4, from: 2.1, to: 2.2, users: 4), from: b)
        let seen = run.takeUnseen()
        #expect(seen.map(\.second) == [1, 2])
        #expect(seen.map(\.1.hitCount) == [3, 6])
        #expect(seen.map(\.1.users) == [5, 7], "at the end of each")
        #expect(run.takeUnseen().isEmpty)
    }

    @Test func changesAreTheNamesAndSecondsThatChangedAndComeAgainAfterAFailure() {
        var run = MergedRun(maxNames: 10)
        run.take(batch(2, name: "n", from: 0, to: 0.1), from: a)
        run.take(batch(3, name: "m", from: 1, to: 1.1), from: b)
        let first = run.takeChanges()
        #expect(first.total?.names.count == 2 && first.seconds.keys.sorted() == [0, 1] && first.parts.count == 2)
        run.take(batch(4, name: "n", from: 1.1, to: 1.2), from: a)
        let second = run.takeChanges()
        #expect(second.total?.names.mapValues(\.count) == ["n": 6])
        #expect(second.seconds.keys.sorted() == [1] && second.parts.keys.map(\.agent) == ["a"])
        #expect(run.takeChanges().total == nil)
        run.restore(second)
        run.take(batch(1, name: "m", from: 1.2, to: 1.3), from: b)
        let again = run.takeChanges()
        #expect(again.total?.names.mapValues(\.count) == ["n": 6, "m": 4])
        #expect(again.seconds[1]?.hitCount == 5 && again.parts.count == 2)
    }

    @Test func usersAreThoseOfTheirSecondHoweverLateTheyAreTold() {
        var run = MergedRun(maxNames: 10)
        run.take(batch(1, from: 0, to: 1, users: 3), from: a)
        for second in 0..<3 { run.take(batch(1, from: Double(second), to: Double(second + 1), users: 2), from: b) }
        #expect(run.takeChanges().seconds.mapValues(\.users) == [0: 5, 1: 5, 2: 5])
        // A ramp of a's, who was cut off: what is stored of the seconds since changes with it.
        run.take(batch(1, from: 1, to: 2, users: 6), from: a)
        let changes = run.takeChanges()
        #expect(changes.seconds.mapValues(\.users) == [1: 8, 2: 8])
        #expect(changes.seconds.mapValues(\.hitCount) == [1: 1, 2: 0])
        run.restore(changes)
        run.take(batch(1, from: 2, to: 3, users: 7), from: a)
        #expect(run.takeChanges().seconds.mapValues(\.users) == [1: 8, 2: 9])
        // Both are over; something of b's comes after it.
        run.ended(a)
        run.ended(b)
        run.take(batch(1, from: 2, to: 2.5, users: 0), from: b)
        #expect(run.users == 0 && run.takeChanges().seconds.mapValues(\.users) == [2: 9])
    }

    /// A runner's batches all have the users of when they are cut, those too that bring what a loop had counted earlier.
    @Test func whatARunnerTellsLateSaysNothingOfTheUsersOfThen() {
        var run = MergedRun(maxNames: 10)
        run.wantIntervals(true, at: 0)
        for second in 0..<3 { run.take(batch(1, from: Double(second), to: Double(second + 1), users: 5), from: a) }
        #expect(run.takeChanges().seconds.mapValues(\.users) == [0: 5, 1: 5, 2: 5])
        _ = run.takeIntervals(at: 3)
        run.take(batch(4, from: 0, to: 1, users: 0), from: a)
        var last = Batch(from: 3, to: 3.1)
        last.statistics.users = 0
        run.take(last, from: a)
        #expect(run.users == 0 && run.takeChanges().seconds.mapValues(\.users) == [0: 5, 3: 0])
        // Nothing but what is late happened: that nobody is there any more is told all the same.
        let published = run.takeIntervals(at: 3.2)
        #expect(published.map(\.0) == [0, 3] && published.map(\.2.users) == [5, 0])
    }

    /// Every second may be one of four weeks: one batch must not change all that were ever told of.
    @Test func onlySoManySecondsChangeWithWhatIsLate() {
        var levels = UserLevels()
        for second in 0..<UserLevels.limit + 500 { levels.take(second % 2, in: second) }
        #expect(levels.takeChanged().count == UserLevels.limit)
        levels.take(7, in: 3)
        #expect(Array(levels.takeChanged()) == Array(500..<UserLevels.limit + 500))
        let all = levels.latest
        #expect(levels.users(at: UserLevels.limit + 499) == all && levels.users(at: UserLevels.limit + 498) == all - 1)
        #expect(levels.takeChanged().isEmpty)
    }

    @Test func aMasterThatIsStartedAgainKnowsTheUsersOfTheLastSeconds() {
        var parts: [Intake.Source: MergedRun.Part] = [:]
        for (source, users, end) in [(a, 3, 1.0), (b, 4, 3.0)] {
            var statistics = Statistics()
            statistics.users = users
            parts[source] = MergedRun.Part(statistics: statistics, hits: 0, lastData: end)
        }
        var run = MergedRun(maxNames: 10, parts: parts)
        run.restore(users: [(0, 2), (1, 5), (2, 7)])
        // What a was cut off with: it had 3 users, and has 6 since the second 1.
        run.take(batch(1, from: 1, to: 2, users: 6), from: a)
        #expect(run.takeChanges().seconds.mapValues(\.users) == [1: 8, 2: 10])
        #expect(run.users == 10)
    }

    @Test func theUsersOfASecondAreTheMostThatThereWereInIt() {
        var run = MergedRun(maxNames: 10)
        for (from, users) in [(0.0, 2), (0.5, 9), (0.9, 4), (1.0, 4), (1.5, 3), (2.0, 7), (2.9, 0)] {
            run.take(batch(1, from: from, to: from + 0.1, users: users), from: a)
            run.take(batch(1, from: from, to: from + 0.1, users: 1), from: b)
        }
        #expect(run.takeChanges().seconds.mapValues(\.users) == [0: 10, 1: 5, 2: 8])
        #expect(run.users == 1)
    }

    @Test func usersOfAnAgentThatIsLostEndWithItsData() {
        var run = MergedRun(maxNames: 10)
        for second in 0..<4 {
            if second < 2 { run.take(batch(1, from: Double(second), to: Double(second) + 0.9, users: 3), from: a) }
            run.take(batch(1, from: Double(second), to: Double(second + 1), users: 2), from: b)
        }
        #expect(run.takeChanges().seconds.mapValues(\.users) == [0: 5, 1: 5, 2: 5, 3: 5])
        run.ended(a)
        #expect(run.takeChanges().seconds.mapValues(\.users) == [2: 2, 3: 2])
        #expect(run.users == 2)
    }

    @Test func namesBeyondTheLimitAreCountedTogether() {
        var run = MergedRun(maxNames: 2)
        for name in ["a", "b", "c", "d", "a"] {
            run.take(batch(1, name: name), from: a)
            run.fold()
        }
        #expect(run.total.names.mapValues(\.count) == ["a": 2, "b": 1, Statistics.otherName: 2])
    }

    @Test func stepsChecksAndMetricsChangeAndAreLimitedAsNamesAre() {
        func grouped(_ name: String) -> Batch {
            var batch = batch(1)
            batch.statistics.names = [:]
            batch.statistics.steps[name] = StepStatistics()
            batch.statistics.steps[name]!.count = 1
            batch.statistics.checks[name] = CheckCounts(passed: 1)
            batch.statistics.metrics[name] = MetricStatistics(kind: .trend, unit: name)
            batch.statistics.metrics[name]!.record(1, at: 0)
            return batch
        }
        var run = MergedRun(maxNames: 2)
        run.wantIntervals(true, at: 0)
        for name in ["a", "b", "c", "d", "a"] {
            run.take(grouped(name), from: a)
            run.fold()
        }
        #expect(run.total.steps.mapValues(\.count) == ["a": 2, "b": 1, "(other)": 2])
        #expect(run.total.checks.mapValues(\.count) == ["a": 2, "b": 1, "(other)": 2])
        #expect(run.total.metrics.mapValues(\.count) == ["a": 2, "b": 1, "(other) (trend)": 2])
        #expect(run.takeIntervals(at: 1).map(\.2.checks.count) == [3])
        _ = run.takeChanges()
        run.take(grouped("b"), from: b)
        let changes = run.takeChanges()
        #expect(changes.total?.steps.mapValues(\.count) == ["b": 2])
        #expect(changes.total?.checks.mapValues(\.count) == ["b": 2])
        #expect(changes.total?.metrics.mapValues(\.count) == ["b": 2])
        run.restore(changes)
        run.take(grouped("e"), from: b)
        let again = run.takeChanges().total
        #expect(again?.steps.mapValues(\.count) == ["b": 2, "(other)": 3] && again?.metrics.count == 2)
        // A master that goes on knows the names.
        var restored = MergedRun(maxNames: 2, total: run.total)
        restored.take(grouped("b"), from: a)
        restored.take(grouped("f"), from: a)
        restored.fold()
        #expect(restored.total.steps.mapValues(\.count) == ["a": 2, "b": 3, "(other)": 4])
    }

    @Test func anIntervalBeginsWhereTheLastMomentWithoutAnythingEnds() {
        var run = MergedRun(maxNames: 10)
        run.wantIntervals(true, at: 0)
        #expect(run.takeIntervals(at: 1.5).isEmpty)
        run.take(batch(1, from: 1.5, to: 1.7), from: a)
        #expect(run.takeIntervals(at: 1.75).map { [$0.0, $0.1] } == [[1.5, 1.75]])
        // A stall: what comes after it did not happen in it.
        #expect(run.takeIntervals(at: 4).isEmpty)
        run.take(batch(1, from: 4, to: 4.2), from: a)
        #expect(run.takeIntervals(at: 4.25).map(\.0) == [4])
    }

    @Test func whatIsPublishedAtOnceKeepsItsSeconds() {
        var run = MergedRun(maxNames: 10)
        run.wantIntervals(true, at: 2.9)
        run.take(batch(3, from: 2.9, to: 3), from: a)
        run.take(batch(4, from: 3, to: 3.05), from: b)
        // Late, and early by its agent's clock.
        run.take(batch(1, from: 1.2, to: 1.3), from: a)
        run.take(batch(2, from: 4, to: 4.1), from: b)
        let published = run.takeIntervals(at: 3.1)
        #expect(published.map { [$0.0, $0.1] } == [[1, 2], [2.9, 3], [3, 3.1], [4, 5]])
        #expect(published.map(\.2.hitCount) == [1, 3, 4, 2])
        #expect(published.map(\.2.users) == [0, 1, 2, 2])
    }

    @Test func aChangeOfTheUsersAloneIsPublished() {
        var run = MergedRun(maxNames: 10)
        run.wantIntervals(true, at: 0)
        run.take(batch(1), from: a)
        _ = run.takeIntervals(at: 0.2)
        run.ended(a)
        let published = run.takeIntervals(at: 0.3)
        #expect(published.map { [$0.0, $0.1] } == [[0.2, 0.3]] && published[0].2.users == 0)
        #expect(run.takeIntervals(at: 0.4).isEmpty)
    }

    /// What a watcher of the stream would otherwise not see.
    @Test(arguments: ["warm-up", "dropped arrivals", "scenarios", "errors", "user wait"])
    func anIntervalIsPublishedWhateverHappenedInIt(_ what: String) {
        var run = MergedRun(maxNames: 10)
        run.wantIntervals(true, at: 0)
        run.take(batch(1), from: a)
        #expect(run.takeIntervals(at: 1).count == 1)
        // What a generator says of itself alone is no interval.
        var quiet = Batch(from: 1, to: 2)
        quiet.statistics.users = 1
        quiet.statistics.health.cpuSeconds = 3
        run.take(quiet, from: a)
        #expect(run.takeIntervals(at: 2).isEmpty)
        var news = Batch(from: 2, to: 3)
        news.statistics.users = 1
        switch what {
        case "warm-up": news.statistics.warmUp = batch(4).statistics
        case "dropped arrivals": news.statistics.arrivals.dropped = 2
        case "scenarios": news.statistics.scenarios["s"] = ScenarioStatistics()
        case "errors": news.statistics.errors["x"] = Occurrences(count: 1, first: 2, last: 2, sample: "")
        default: news.statistics.userWait.record(5)
        }
        run.take(news, from: a)
        let interval = run.takeIntervals(at: 3).first
        #expect(interval?.from == 2 && interval?.to == 3)
        #expect(interval?.2.warmUp == news.statistics.warmUp)
        #expect(interval?.2.arrivals == news.statistics.arrivals)
        #expect(interval?.2.scenarios == news.statistics.scenarios)
        #expect(run.takeIntervals(at: 4).isEmpty)
    }

    @Test func aSecondThatIsStoredHasTheUsersOfAllAgents() {
        var run = MergedRun(maxNames: 10)
        run.take(batch(1, from: 0, to: 0.5, users: 34), from: a)
        run.take(batch(1, from: 0, to: 0.5, users: 33), from: b)
        #expect(run.takeChanges().seconds[0]?.users == 67)
    }

    private func batch(_ count: Int, name: String = "n", from: Double = 0, to: Double = 0.1, users: Int = 1) -> Batch {
        var batch = Batch(from: from, to: to)
        batch.statistics.users = users
        var group = NameStatistics()
        group.count = count
        batch.statistics.names[name] = group
        return batch
    }
}

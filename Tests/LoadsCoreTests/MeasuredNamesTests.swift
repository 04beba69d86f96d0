import Testing

@testable import LoadsCore

@Suite struct MeasuredNamesTests {
    private func statistics(_ names: [String]) -> Statistics {
        var statistics = Statistics()
        for name in names {
            var group = NameStatistics()
            group.count = 1
            statistics.names[name] = group
            statistics.steps[name] = StepStatistics()
            statistics.steps[name]!.count = 1
            statistics.checks[name] = CheckCounts(passed: 1, failed: 0)
            statistics.metrics[name] = metric(.counter)
        }
        return statistics
    }

    private func metric(_ kind: MetricKind, unit: String = "") -> MetricStatistics {
        var metric = MetricStatistics(kind: kind, unit: unit)
        metric.record(1, at: 1)
        return metric
    }

    /// What a family counts in all, and under how many names.
    private func shape(_ counts: [String: Int]) -> [Int] { [counts.values.reduce(0, +), counts.count] }

    @Test func whatIsMergedOverARunHasTheLimitThatRecordingHas() {
        var (names, total) = (MeasuredNames(), Statistics())
        for round in 0..<50 {
            var added = statistics(["a", "b", "n\(round)"])
            names.admit(&added, limit: 3)
            total.merge(added)
        }
        #expect(total.names.mapValues(\.count) == ["a": 50, "b": 50, "n0": 1, "(other)": 49])
        #expect(total.steps.mapValues(\.count) == ["a": 50, "b": 50, "n0": 1, "(other)": 49])
        #expect(total.checks.mapValues(\.count) == ["a": 50, "b": 50, "n0": 1, "(other)": 49])
        #expect(total.metrics.mapValues(\.count) == ["a": 50, "b": 50, "n0": 1, "(other) (counter)": 49])
        #expect(names.overflowed == 49)
    }

    /// One name in ever new units, also one of those under which others are counted.
    @Test(arguments: ["size", "(other) (counter)", "size (gauge, u1)"])
    func aMetricInEverNewUnitsIsLimited(_ name: String) {
        var (names, total) = (MeasuredNames(), Statistics())
        for round in 0..<100 {
            var added = Statistics()
            added.metrics[name] = metric(round % 2 == 0 ? .counter : .gauge, unit: "u\(round)")
            names.admit(&added, limit: 5)
            total.merge(added)
        }
        #expect(total.metrics.count <= 5 + MetricKind.allCases.count)
        #expect(total.metrics.values.reduce(0) { $0 + $1.count } == 100)
        for (name, metric) in total.metrics where name.hasPrefix("(other) (") && !name.contains("u") {
            #expect(name == MetricStatistics.other(metric.kind))
        }
        #expect(names.overflowed > 0)
    }

    @Test func aMetricThatMeansSomethingElseStandsBesideTheFirst() {
        var (names, total) = (MeasuredNames(), Statistics())
        for kind in [MetricKind.counter, .trend, .counter, .trend] {
            var added = Statistics()
            added.metrics["size"] = metric(kind, unit: kind == .trend ? "ms" : "")
            names.admit(&added, limit: 100)
            total.merge(added)
        }
        #expect(total.metrics.mapValues(\.count) == ["size": 2, "size (trend, ms)": 2])
        #expect(names.overflowed == 0)
    }

    @Test func noMergeGrowsBeyondItsLimit() {
        var total = Statistics()
        for round in 0..<20 { total.merge(statistics(["a", "n\(round)"]), limit: 4) }
        #expect(shape(total.names.mapValues(\.count)) == [40, 5])
        #expect(shape(total.steps.mapValues(\.count)) == [40, 5])
        #expect(shape(total.checks.mapValues(\.count)) == [40, 5])
        #expect(shape(total.metrics.mapValues(\.count)) == [40, 5])
        #expect(total.names["a"]?.count == 20)
        #expect(total.health.overflowedNames > 0)
        var warm = Statistics()
        for round in 0..<20 {
            var added = Statistics()
            added.warmUp = statistics(["n\(round)"])
            warm.merge(added, limit: 4)
        }
        #expect(shape(warm.warmUp!.names.mapValues(\.count)) == [20, 5])
    }
}

import LoadsEventLoop
import Testing

@testable import LoadsCore

@Suite struct GroupedTests {
    private func recorder(limit: Int = 1000) -> Recorder {
        Recorder(
            start: Instant(nanoseconds: 1_000_000_000), plan: Plan(cycles: []), registry: NameRegistry(limit: limit))
    }

    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64((1 + seconds) * 1e9)) }

    @Test func stepsAreCountedWithTheirDurations() throws {
        let recorder = recorder()
        recorder.recordStep("checkout", duration: 2_000_000, failed: false)
        recorder.recordStep("checkout", duration: 4_000_000, failed: true)
        let step = try #require(recorder.takeBatch().statistics.steps["checkout"])
        #expect(step.count == 2 && step.failed == 1)
        #expect(step.duration.min == 2_000_000 && step.duration.max == 4_000_000 && step.duration.count == 2)
        #expect(recorder.takeBatch().isEmpty)
    }

    @Test func checksAreCountedByWhatCameOut() {
        let recorder = recorder()
        for passed in [true, true, false] { recorder.recordCheck("has token", passed: passed) }
        let counts = recorder.takeBatch().statistics.checks["has token"]
        #expect(counts == CheckCounts(passed: 2, failed: 1))
        #expect(counts.map { abs($0.passedShare - 2.0 / 3) < 1e-9 } == true && CheckCounts().passedShare == 1)
    }

    @Test func eachKindOfMetricAnswersItsQuestion() throws {
        let recorder = recorder()
        for value in [3.0, -1, 8] { recorder.recordMetric("orders", .counter, unit: "", value, at(1)) }
        recorder.recordMetric("queue", .gauge, unit: "jobs", 5, at(1))
        recorder.recordMetric("queue", .gauge, unit: "jobs", 9, at(3))
        recorder.recordMetric("queue", .gauge, unit: "jobs", 2, at(2))
        for value in [1.0, 0, 1, 1] { recorder.recordMetric("cached", .rate, unit: "", value, at(1)) }
        for value in 1...100 { recorder.recordMetric("cart", .trend, unit: "EUR", Double(value) + 0.5, at(1)) }
        let metrics = recorder.takeBatch().statistics.metrics
        #expect(metrics["orders"]?.sum == 10)
        let queue = try #require(metrics["queue"])
        #expect(queue.last == 9 && queue.lastAt == 3 && queue.min == 2 && queue.max == 9 && queue.unit == "jobs")
        #expect(metrics["cached"]?.share == 0.75)
        let cart = try #require(metrics["cart"])
        #expect(cart.min == 1.5 && cart.max == 100.5 && cart.mean == 51)
        let median = try #require(cart.percentile(0.5))
        #expect(abs(median - 50.5) < 0.1)
    }

    @Test(arguments: [
        (MetricKind.counter, Double.nan), (.counter, .infinity), (.gauge, 1.1e15), (.gauge, -1.1e15), (.trend, -0.001),
        (.trend, 9.1e12), (.trend, .nan),
    ])
    func whatCannotBeRecordedIsCountedAsRefused(_ kind: MetricKind, _ value: Double) throws {
        let recorder = recorder()
        recorder.recordMetric("m", kind, unit: "", value, at(1))
        let metric = try #require(recorder.takeBatch().statistics.metrics["m"])
        #expect(metric.refused == 1 && metric.count == 0 && metric.sum == 0 && metric.trend.isEmpty)
    }

    @Test func aSecondKindOrUnitUnderANameIsKeptBesideIt() {
        let recorder = recorder()
        recorder.recordMetric("x", .counter, unit: "", 1, at(1))
        recorder.recordMetric("x", .trend, unit: "ms", 2, at(1))
        recorder.recordMetric("x", .trend, unit: "ms", 3, at(1))
        let metrics = recorder.takeBatch().statistics.metrics
        #expect(metrics.mapValues(\.count) == ["x": 1, "x (trend, ms)": 2])

        // Two loops may meet a name in a different order: nothing is lost when they come together.
        let other = self.recorder()
        other.recordMetric("x", .trend, unit: "ms", 4, at(1))
        var merged = Statistics()
        merged.metrics = metrics
        merged.merge(other.takeBatch().statistics)
        #expect(merged.metrics.mapValues(\.count) == ["x": 1, "x (trend, ms)": 3])
    }

    @Test func namesBeyondTheLimitAreCountedTogetherEachFamilyWithItsOwnRoom() {
        let recorder = recorder(limit: 2)
        for name in ["a", "b", "c", "d", "c"] {
            recorder.recordStep(name, duration: 1, failed: false)
            recorder.recordCheck(name, passed: true)
            recorder.recordMetric(name, .gauge, unit: name, 1, at(1))
        }
        recorder.recordMetric("e", .counter, unit: "", 1, at(1))
        let statistics = recorder.takeBatch().statistics
        #expect(statistics.steps.mapValues(\.count) == ["a": 1, "b": 1, "(other)": 3])
        #expect(statistics.checks.mapValues(\.count) == ["a": 1, "b": 1, "(other)": 3])
        #expect(
            statistics.metrics.mapValues(\.count) == ["a": 1, "b": 1, "(other) (gauge)": 3, "(other) (counter)": 1])
        #expect(statistics.health.overflowedNames > 0)
    }

    @Test func batchesAddUpToWhatOneWouldHold() {
        let (often, once) = (recorder(), recorder())
        var total = Batch()
        for index in 0..<1000 {
            for recorder in [often, once] {
                recorder.recordStep("s\(index % 3)", duration: Int64(index), failed: index % 5 == 0)
                recorder.recordCheck("c\(index % 2)", passed: index % 7 != 0)
                for kind in MetricKind.allCases {
                    recorder.recordMetric(kind.rawValue, kind, unit: "", Double(index % 2), at(Double(index)))
                }
            }
            if index % 13 == 0 { total.merge(often.takeBatch()) }
        }
        total.merge(often.takeBatch())
        #expect(total == once.takeBatch())
    }

    @Test(arguments: [
        ([:], "n"), (["b": "2", "a": "1"], "n{a=1,b=2}"), (["a": ""], "n{a=\"\"}"), (["a": "x y"], "n{a=\"x y\"}"),
        (["a": "\"\\"], "n{a=\"\\\"\\\\\"}"), (["k,=": "(é)"], "n{\"k,=\"=\"(é)\"}"),
    ])
    func tagsAreAPartOfTheName(_ tags: [String: String], _ text: String) {
        #expect(TaggedName.text("n", tags) == text)
    }

    @Test func aSumBeyondAllTimeStaysAtItsLargest() {
        var histogram = Histogram()
        for _ in 0..<3 { histogram.record(.max / 2) }
        #expect(histogram.sum == .max)
        var other = Histogram()
        other.record(1)
        histogram.merge(other)
        #expect(histogram.sum == .max)
    }
}

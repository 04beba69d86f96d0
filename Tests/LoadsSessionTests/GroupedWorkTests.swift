import LoadsCore
import LoadsSession
import Testing

@Suite struct GroupedWorkTests {
    private struct Broken: Error {}

    @Test func outsideOfARunOnlyTheBodyRuns() async throws {
        let value = await step("s") {
            await Task.yield()
            return 7
        }
        #expect(value == 7)
        #expect(step("s") { 8 } == 8)
        await #expect(throws: Broken.self) {
            try await step("s") {
                await Task.yield()
                throw Broken()
            }
        }
        #expect(check("c", true) && !check("c", false))
        Metric.count("m")
        Metric.trend("t", .seconds(1))
    }

    @Test func aStepIsCountedWithItsTimeAndFailsWithWhatIsInIt() async throws {
        let user = TestUser()
        try await user.iterate {
            await step("plain") { await Task.yield() }
            try? await step("throws", tags: ["b": "2", "a": "1"]) {
                await Task.yield()
                throw Broken()
            }
            await step("expects") {
                await Task.yield()
                IterationContext.current?.fail(at: "here", message: "no")
            }
            step("checks") { _ = check("c", false) }
            step("fine") { _ = check("c", true) }
        }
        let statistics = await user.statistics()
        #expect(
            statistics.steps.mapValues(\.failed) == [
                "plain": 0, "throws{a=1,b=2}": 1, "expects": 1, "checks": 1, "fine": 0,
            ])
        #expect(statistics.steps.values.allSatisfy { $0.count == 1 && $0.duration.count == 1 })
        #expect(statistics.checks == ["c": CheckCounts(passed: 1, failed: 1)])
    }

    @Test func stepsNestAndAFailureIsOfAllAroundIt() async throws {
        let user = TestUser()
        try await user.iterate {
            await step("outer") {
                await step("inner") { _ = await Task { check("c", false) }.value }
                await step("sibling") { await Task.yield() }
            }
            await step("later") { await Task.yield() }
        }
        let steps = await user.statistics().steps
        #expect(steps.mapValues(\.failed) == ["outer": 1, "inner": 1, "sibling": 0, "later": 0])
        let inner = try #require(steps["inner"]?.duration.max)
        #expect(try #require(steps["outer"]?.duration.min) >= inner)
    }

    @Test func stepsSideBySideFailEachForItself() async throws {
        let user = TestUser()
        try await user.iterate {
            await withTaskGroup { group in
                for number in 0..<4 {
                    group.addTask {
                        await step("n\(number)") {
                            await Task.yield()
                            check("even", number % 2 == 0)
                        }
                    }
                }
            }
        }
        let statistics = await user.statistics()
        #expect(statistics.steps.mapValues(\.failed) == ["n0": 0, "n1": 1, "n2": 0, "n3": 1])
        #expect(statistics.checks["even"] == CheckCounts(passed: 2, failed: 2))
    }

    @Test func aCaughtFailureInsideIsNotTheOuterStepsOwn() async throws {
        let user = TestUser()
        try await user.iterate {
            await step("outer") {
                try? await step("inner") {
                    await Task.yield()
                    throw Broken()
                }
            }
        }
        #expect(await user.statistics().steps.mapValues(\.failed) == ["outer": 0, "inner": 1])
    }

    @Test func aCancelledStepIsNotCounted() async throws {
        let user = TestUser()
        try await user.iterate {
            let task = Task {
                try await step("cut off") { try await Task.sleep(for: .seconds(600)) }
            }
            task.cancel()
            _ = try? await task.value
        }
        #expect(await user.statistics().steps.isEmpty)
    }

    @Test func checksAndMetricsFailNoIteration() async throws {
        let user = TestUser()
        let failed = try await user.iterate {
            check("c", false)
            Metric.count("c", 2)
            Metric.count("eur", 1.5, unit: "EUR")
            Metric.gauge("g", 5, unit: "jobs")
            Metric.gauge("g", 2.5, unit: "jobs", tags: ["q": "a"])
            Metric.rate("r", true)
            Metric.rate("r", false)
            Metric.trend("t", .microseconds(1500))
            Metric.trend("b", 1000, unit: "bytes")
            return IterationContext.current!.hasFailed
        }
        #expect(!failed)
        let metrics = await user.statistics().metrics
        #expect(Set(metrics.keys) == ["c", "eur", "g", "g{q=a}", "r", "t", "b"])
        #expect(metrics["c"]?.sum == 2 && metrics["eur"]?.unit == "EUR" && metrics["g{q=a}"]?.last == 2.5)
        #expect(metrics["r"]?.share == 0.5)
        #expect(metrics["t"]?.unit == "ms" && metrics["t"]?.max == 1.5 && metrics["t"]?.trend.max == 1_500_000)
        #expect(metrics["b"]?.kind == .trend && metrics["b"]?.percentile(0.5) == 1000)
    }

    @Test func aStepKeepsTheActorOfItsBody() async throws {
        let user = TestUser()
        try await user.iterate {
            await onMain {
                await step("main") {
                    MainActor.assertIsolated()
                    await Task.yield()
                    MainActor.assertIsolated()
                }
            }
        }
        #expect(await user.statistics().steps["main"]?.count == 1)
    }

    @MainActor private func onMain(_ body: @MainActor () async -> Void) async { await body() }
}

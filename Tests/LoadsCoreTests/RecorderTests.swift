import LoadsEventLoop
import Testing

@testable import LoadsCore

@Suite struct RecorderTests {
    private func recorder(maxNames: Int = 1000, rawHits: Bool = false, registry: NameRegistry? = nil) -> Recorder {
        var plan = Plan(cycles: [.init(users: 1, amount: .iterations(1))])
        plan.rawHits = rawHits
        return Recorder(
            start: Instant(nanoseconds: 1_000_000_000), plan: plan, registry: registry ?? NameRegistry(limit: maxNames))
    }

    private func hit(_ name: String = "GET /", status: Int? = 200, error: HitError? = nil, failed: Bool = false) -> Hit
    {
        var phases = Phases()
        phases.wait = 900_000
        return Hit(
            start: Instant(nanoseconds: 3_500_000_000), name: name, method: "GET", url: "http://h/", status: status,
            latency: 1_000_000, phases: phases, bytesSent: 10, bytesReceived: 100, requests: 2, error: error,
            failed: failed)
    }

    @Test func countsHitsByName() throws {
        let recorder = recorder()
        for _ in 0..<3 { recorder.record(hit("a"), user: 0, iteration: 0) }
        recorder.record(hit("b", status: 500, failed: true), user: 0, iteration: 0)
        let statistics = recorder.takeBatch().statistics
        let a = try #require(statistics.names["a"])
        #expect(a.count == 3 && a.failed == 0 && a.requests == 6 && a.bytesSent == 30 && a.bytesReceived == 300)
        #expect(a.latency.count == 3 && a.latency.max == 1_000_000 && a.status == [200: 3])
        #expect(a.phases.map(\.max) == [0, 0, 0, 0, 0, 900_000, 0] && a.phases.allSatisfy { $0.count == 3 })
        let b = try #require(statistics.names["b"])
        #expect(b.count == 1 && b.failed == 1 && b.status == [500: 1])
        #expect(statistics.hitCount == 4 && statistics.failedHitCount == 1 && statistics.hits.latency.count == 4)
    }

    @Test func aBatchHoldsOnlyWhatIsNew() {
        let recorder = recorder()
        recorder.record(hit("a"), user: 0, iteration: 0)
        recorder.record(hit("b"), user: 0, iteration: 0)
        #expect(Set(recorder.takeBatch().statistics.names.keys) == ["a", "b"])
        recorder.record(hit("b"), user: 0, iteration: 0)
        let batch = recorder.takeBatch()
        #expect(batch.statistics.names.mapValues(\.count) == ["b": 1])
        #expect(recorder.takeBatch().isEmpty)
    }

    @Test func batchesAddUpToWhatOneWouldHold() {
        let (often, once) = (recorder(), recorder())
        var total = Batch()
        for index in 0..<1000 {
            let hit = hit("n\(index % 7)", status: 200 + index % 3)
            often.record(hit, user: 0, iteration: 0)
            once.record(hit, user: 0, iteration: 0)
            if index % 13 == 0 { total.merge(often.takeBatch()) }
        }
        total.merge(often.takeBatch())
        #expect(total == once.takeBatch())
    }

    @Test func groupsErrorsByKindWithTimesAndASample() throws {
        let recorder = recorder()
        for message in ["first", "second"] {
            recorder.record(
                hit(status: nil, error: HitError(kind: "connect", message: message), failed: true), user: 0,
                iteration: 0)
        }
        let error = try #require(recorder.takeBatch().statistics.errors["connect"])
        #expect(error == Occurrences(count: 2, first: 2.501, last: 2.501, sample: "first"))
    }

    @Test func groupsFailuresByPlace() {
        let recorder = recorder()
        recorder.recordFailure(at: "A.swift:1", message: "x", Instant(nanoseconds: 2_000_000_000))
        recorder.recordFailure(at: "A.swift:1", message: "y", Instant(nanoseconds: 4_000_000_000))
        recorder.recordFailure(at: "A.swift:2", message: "z", Instant(nanoseconds: 3_000_000_000))
        #expect(
            recorder.takeBatch().statistics.failures == [
                "A.swift:1": Occurrences(count: 2, first: 1, last: 3, sample: "x"),
                "A.swift:2": Occurrences(count: 1, first: 2, last: 2, sample: "z"),
            ])
    }

    @Test func makesAFailuresMessageOnlyWhenItIsKept() {
        let recorder = recorder()
        var made = 0
        func message() -> String {
            made += 1
            return "m"
        }
        for _ in 0..<10 { recorder.recordFailure(at: "p", message: message(), .now) }
        #expect(made == 1)
    }

    @Test func groupsAndMessagesAreBounded() throws {
        let recorder = recorder()
        var total = Statistics()
        for index in 0..<1000 {
            recorder.recordFailure(at: "place \(index)", message: String(repeating: "é", count: 5000), .now)
            recorder.record(
                hit(status: nil, error: HitError(kind: "kind \(index)", message: ""), failed: true), user: 0,
                iteration: 0)
            if index % 100 == 99 { total.merge(recorder.takeBatch().statistics) }
        }
        for groups in [total.failures, total.errors] {
            #expect(groups.count == 201)
            #expect(groups["(other)"]?.count == 800)
            #expect(groups.values.reduce(0) { $0 + $1.count } == 1000)
        }
        #expect(total.failures["place 0"]?.sample.count == 500)
    }

    @Test func namesBeyondTheLimitGoToOther() {
        let recorder = recorder(maxNames: 3)
        for round in 0..<2 {
            for index in 0..<10 { recorder.record(hit("n\(index)"), user: 0, iteration: 0) }
            let statistics = recorder.takeBatch().statistics
            #expect(statistics.names.mapValues(\.count) == ["n0": 1, "n1": 1, "n2": 1, "(other)": 7], "round \(round)")
            #expect(statistics.health.overflowedNames == 7)
        }
    }

    @Test func theLimitOfNamesHoldsForAllLoops() {
        let registry = NameRegistry(limit: 3)
        let (left, right) = (recorder(registry: registry), recorder(registry: registry))
        for index in 0..<4 { left.record(hit("n\(index)"), user: 0, iteration: 0) }
        for index in 0..<6 { right.record(hit("n\(index)"), user: 0, iteration: 0) }
        var total = left.takeBatch().statistics
        total.merge(right.takeBatch().statistics)
        #expect(total.names.mapValues(\.count) == ["n0": 2, "n1": 2, "n2": 2, "(other)": 4])
        #expect(total.health.overflowedNames == 3)
    }

    @Test func keepsRawHitsOnlyWhenWanted() throws {
        let silent = recorder()
        silent.record(hit(), user: 0, iteration: 0)
        #expect(silent.takeBatch().hits.isEmpty)
        let recorder = recorder(rawHits: true)
        recorder.record(
            hit(status: nil, error: HitError(kind: "reset", message: "m"), failed: true), user: 4, iteration: 9)
        let batch = recorder.takeBatch()
        #expect(
            batch.hits == [
                RawHit(
                    time: 2.5, user: 4, iteration: 9, name: "GET /", method: "GET", url: "http://h/", status: nil,
                    latency: 1_000_000, bytes: 100, requests: 2, error: "reset")
            ])
        #expect(recorder.takeBatch().hits.isEmpty)
    }

    @Test func rawHitsAreBoundedAndTheRestIsCounted() {
        let recorder = recorder(rawHits: true)
        for _ in 0..<(Recorder.rawHitLimit + 25) { recorder.record(hit(), user: 0, iteration: 0) }
        let batch = recorder.takeBatch()
        #expect(batch.hits.count == Recorder.rawHitLimit && batch.statistics.health.droppedHits == 25)
        #expect(batch.statistics.hitCount == Recorder.rawHitLimit + 25)
    }

    @Test func countsIterationsByHowTheyEnded() {
        let recorder = recorder()
        for _ in 0..<5 { recorder.iterationStarted() }
        recorder.iterationEnded(.ok, interrupted: false, service: 10)
        recorder.iterationEnded(.failed, interrupted: false, service: 20)
        recorder.iterationEnded(.skipped, interrupted: false, service: 30)
        recorder.iterationEnded(.ok, interrupted: true, service: 40)
        #expect(recorder.running == 1)
        let statistics = recorder.takeBatch().statistics
        let counts = statistics.iterations
        #expect(counts.started == 5 && counts.ok == 1 && counts.failed == 1 && counts.skipped == 1)
        #expect(counts.interrupted == 1 && counts.ended == 4)
        #expect(statistics.service.count == 3 && statistics.service.max == 30)
    }

    @Test func totalsDoNotGrowWithTime() {
        let recorder = recorder()
        var total = Statistics()
        var sizes: [Int] = []
        for _ in 0..<3 {
            for _ in 0..<200 {
                for value in 0..<100 {
                    var hit = hit("n\(value % 5)")
                    hit.latency = 1_000_000 + Int64(value) * 10_000
                    recorder.record(hit, user: 0, iteration: 0)
                }
                total.merge(recorder.takeBatch().statistics)
            }
            sizes.append(total.names.values.reduce(0) { $0 + $1.latency.byteCount })
        }
        #expect(total.hitCount == 60_000 && sizes[1] == sizes[2])
    }

    @Test func countersOutliveTheRecorder() {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: LiveCounters.byteCount, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: LiveCounters.byteCount)
        let plan = Plan(cycles: [.init(users: 1, amount: .iterations(1))])
        for slot in 0..<3 {
            let recorder = Recorder(
                start: .now, plan: plan, registry: NameRegistry(limit: 1), counters: LiveCounters(base: memory),
                slot: slot)
            recorder.iterationStarted()
            recorder.iterationStarted()
            recorder.iterationEnded(.ok, interrupted: false, service: 1)
            recorder.record(hit(), user: 0, iteration: 0)
        }
        let counters = LiveCounters(base: memory)
        #expect(counters.started == 6 && counters.ended == 3 && counters.hits == 3)
    }

    // MARK: Seconds

    private func hit(endingAt second: Double, _ name: String = "a", latency: Int64 = 1_000_000) -> Hit {
        var hit = hit(name)
        hit.latency = latency
        hit.start = Instant(nanoseconds: 1_000_000_000 + Int64(second * 1e9) - latency)
        return hit
    }

    @Test func everythingIsCountedInItsSecond() {
        let recorder = recorder()
        func time(_ second: Double) -> Instant { Instant(nanoseconds: 1_000_000_000 + Int64(second * 1e9)) }
        // It began in the second before.
        recorder.record(hit(endingAt: 1.2, latency: 900_000_000), user: 0, iteration: 0)
        recorder.iterationStarted(time(1.9))
        recorder.iterationEnded(.ok, interrupted: false, service: 200_000_000, time(2.1))
        recorder.recordStep("s", duration: 1, failed: false, time(2.999_999_999))
        recorder.recordCheck("c", passed: true, time(3))
        recorder.recordFailure(at: "f", message: "m", time(3.5))
        recorder.recordMetric("m", .counter, unit: "", 1, time(4.5))
        recorder.arrivalPlanned(due: time(4.99))
        let seconds = recorder.takeSeconds().mapValues(\.statistics)
        #expect(seconds.keys.sorted() == [1, 2, 3, 4])
        #expect(seconds[1]?.hitCount == 1 && seconds[1]?.iterations.started == 1)
        #expect(seconds[2]?.iterations.ok == 1 && seconds[2]?.service.count == 1 && seconds[2]?.steps["s"]?.count == 1)
        #expect(seconds[3]?.checks["c"]?.passed == 1 && seconds[3]?.failures["f"]?.count == 1)
        #expect(seconds[4]?.metrics["m"]?.count == 1 && seconds[4]?.arrivals.planned == 1)
        #expect(recorder.takeSeconds().isEmpty)
    }

    @Test func whatIsToldLateIsCountedInTheSecondInWhichItEnded() {
        let recorder = recorder()
        recorder.record(hit(endingAt: 4.5), user: 0, iteration: 0)
        recorder.record(hit(endingAt: 5.1), user: 0, iteration: 0)
        recorder.record(hit(endingAt: 4.9), user: 0, iteration: 0)
        recorder.record(hit(endingAt: 4.999), user: 0, iteration: 0)
        recorder.record(hit(endingAt: 5.2), user: 0, iteration: 0)
        #expect(recorder.takeSeconds().mapValues(\.statistics.hitCount) == [4: 3, 5: 2])
        // Also after its second was handed over.
        recorder.record(hit(endingAt: 4.9), user: 0, iteration: 0)
        recorder.record(hit(endingAt: 0.5), user: 0, iteration: 0)
        recorder.record(hit(endingAt: -3), user: 0, iteration: 0)
        #expect(recorder.takeSeconds().mapValues(\.statistics.hitCount) == [0: 2, 4: 1])
    }

    @Test func secondsAddUpToTheWholeInWhateverOrderTheirHitsCome() {
        var random = SplitMix(seed: 7)
        for _ in 0..<50 {
            let (one, other) = (recorder(rawHits: true), recorder(rawHits: true))
            var total = Batch()
            var counts: [Int: Int] = [:]
            for index in 0..<300 {
                let end = Double(random.index(below: 20_000)) / 1000
                counts[Int(end), default: 0] += 1
                for recorder in [one, other] {
                    recorder.record(hit(endingAt: end, "n\(index % 3)"), user: index, iteration: 0)
                }
                if index % 37 == 0 { total.merge(other.takeBatch()) }
            }
            total.merge(other.takeBatch())
            let seconds = one.takeSeconds()
            #expect(seconds.mapValues(\.statistics.hitCount) == counts)
            let sum = seconds.sorted { $0.key < $1.key }.reduce(into: Batch()) { $0.merge($1.value) }
            #expect(sum == total)
        }
    }

    @Test func soManyPastSecondsAreKeptApartAndNoMore() {
        let recorder = recorder()
        recorder.record(hit(endingAt: 1000.5), user: 0, iteration: 0)
        for second in 0..<Recorder.lateLimit + 10 {
            recorder.record(hit(endingAt: Double(second)), user: 0, iteration: 0)
        }
        let seconds = recorder.takeSeconds()
        #expect(seconds.count == Recorder.lateLimit + 1)
        #expect(seconds[1000]?.statistics.hitCount == 11)
    }

    @Test func aClockThatIsWrongPutsNothingIntoTheFuture() {
        let recorder = recorder()
        let told = Instant(nanoseconds: 3_100_000_000)
        recorder.record(hit(endingAt: 1e9), user: 0, iteration: 0, told: told)
        #expect(recorder.takeSeconds().keys.sorted() == [2])
    }

    // MARK: The end

    @Test func callsThatWereCancelledWithTheRunAreCountedApart() throws {
        let recorder = recorder(rawHits: true)
        let error = HitError(kind: HitError.cancelled, message: "m")
        recorder.record(hit("a", status: nil, error: error, failed: true), user: 0, iteration: 0, stopped: true)
        recorder.record(hit("b", status: nil, error: error, failed: true), user: 0, iteration: 0)
        let batch = recorder.takeBatch()
        let a = try #require(batch.statistics.names["a"])
        #expect(a.count == 0 && a.failed == 0 && a.cancelled == 1 && a.latency.isEmpty)
        #expect(batch.statistics.names["b"]?.count == 1 && batch.statistics.names["b"]?.failed == 1)
        #expect(batch.statistics.errors["cancelled"]?.count == 1)
        #expect(batch.statistics.hitCount == 1 && batch.statistics.allHitCount == 2 && batch.hits.count == 2)
    }

    @Test func iterationsThatWereCutOffCountAsFarAsTheyWent() {
        let recorder = recorder()
        for _ in 0..<2 { recorder.iterationStarted() }
        recorder.iterationEnded(.ok, interrupted: true, service: 40, response: 50)
        recorder.iterationEnded(.failed, interrupted: true, cutOff: true, service: 60, response: 70)
        let statistics = recorder.takeBatch().statistics
        #expect(statistics.iterations.interrupted == 2 && statistics.iterations.cutOff == 1)
        #expect(statistics.iterations.failed == 0 && statistics.iterations.completed == 0)
        #expect(statistics.service.count == 1 && statistics.service.max == 60)
        #expect(statistics.response.count == 1 && statistics.response.max == 70)
    }

    @Test func inAMixIterationsWithoutAnIntendedStartAreKeptApart() {
        let parts = [
            MixPart(scenarios: ["a"], model: .arrivals(Arrivals(rate: .perSecond(1), for: .seconds(1)))),
            MixPart(scenarios: ["b"], model: .cycles([.init(users: 1, amount: .iterations(1))])),
        ]
        let recorder = Recorder(
            start: Instant(nanoseconds: 0), plan: Plan(model: .mix(parts)), registry: NameRegistry(limit: 10))
        for _ in 0..<3 { recorder.iterationStarted() }
        recorder.iterationEnded(.ok, interrupted: false, service: 10, response: 500)
        recorder.iterationEnded(.ok, interrupted: false, service: 20)
        recorder.iterationEnded(.ok, interrupted: false, service: 30)
        let statistics = recorder.takeBatch().statistics
        #expect(statistics.service.count == 3 && statistics.response.count == 1 && statistics.unscheduled.count == 2)
        let times = statistics.iterationTimes
        #expect(times.count == 3 && times.min == 20 && times.max == 500)
    }
}

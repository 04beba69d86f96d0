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
}

import LoadsCore
import LoadsWire
import Testing

@testable import LoadsRunner

@Suite struct OutboxTests {
    private func batch(_ iterations: Int, hits: Int = 0) -> Batch {
        var batch = Batch()
        batch.statistics.iterations.started = iterations
        batch.hits = (0..<hits).map { number in
            RawHit(
                time: 0, user: number, iteration: 0, name: "n", method: "GET", url: "u", status: 200, latency: 1,
                bytes: 0,
                requests: 1, error: nil)
        }
        return batch
    }

    private func drain(_ outbox: inout Outbox) -> [RunnerReport] {
        var reports: [RunnerReport] = []
        while let report = outbox.next() { reports.append(report) }
        return reports
    }

    @Test func batchesThatWaitMergeIntoOne() {
        var outbox = Outbox()
        outbox.append(.started(late: 0))
        for _ in 0..<100 {
            outbox.append(.batch(batch(3)))
            outbox.append(.note("n"))
        }
        outbox.append(.ended(interrupted: false, seconds: 1))
        let reports = drain(&outbox)
        #expect(reports.first == .started(late: 0))
        #expect(reports.last == .ended(interrupted: false, seconds: 1))
        #expect(reports[1] == .batch(batch(300)))
        #expect(reports.count == 103)
    }

    @Test func batchesOfSecondsThatWaitStayApart() {
        var outbox = Outbox()
        for tenth in 0..<35 {
            var batch = batch(1)
            (batch.from, batch.to) = (Double(tenth) / 10, Double(tenth + 1) / 10)
            outbox.append(.batch(batch))
        }
        // One that comes late finds its second.
        var late = batch(1)
        (late.from, late.to) = (1, 2)
        outbox.append(.batch(late))
        let batches = drain(&outbox).compactMap { if case .batch(let batch) = $0 { batch } else { nil } }
        #expect(batches.map(\.second) == [0, 1, 2, 3])
        #expect(batches.map(\.statistics.iterations.started) == [10, 11, 10, 5])
    }

    @Test func ofAGreatManySecondsTheLastOnesMerge() {
        var outbox = Outbox()
        for second in 0..<Outbox.batchLimit + 100 {
            var batch = batch(1, hits: Outbox.hitLimit / 50)
            (batch.from, batch.to) = (Double(second), Double(second + 1))
            outbox.append(.batch(batch))
        }
        let batches = drain(&outbox).compactMap { if case .batch(let batch) = $0 { batch } else { nil } }
        #expect(batches.count == Outbox.batchLimit)
        #expect(batches.reduce(0) { $0 + $1.statistics.iterations.started } == Outbox.batchLimit + 100)
        #expect(batches.reduce(0) { $0 + $1.hits.count } == Outbox.hitLimit, "whatever the number of batches")
        let dropped = batches.reduce(0) { $0 + $1.statistics.health.droppedHits }
        #expect(dropped == (Outbox.batchLimit + 100) * (Outbox.hitLimit / 50) - Outbox.hitLimit)
        #expect(outbox.isEmpty)
    }

    @Test func rawHitsBeyondTheBoundAreDroppedAndCounted() {
        var outbox = Outbox()
        outbox.append(.batch(batch(1, hits: Outbox.hitLimit - 10)))
        outbox.append(.batch(batch(1, hits: 30)))
        guard case .batch(let merged)? = outbox.next() else { return #expect(Bool(false)) }
        #expect(merged.hits.count == Outbox.hitLimit)
        #expect(merged.statistics.health.droppedHits == 20)
        #expect(merged.statistics.iterations.started == 2)
    }

    @Test func notesBeyondTheBoundAreDroppedAndTold() {
        var outbox = Outbox()
        for number in 0..<Outbox.noteLimit + 5 { outbox.append(.note("\(number)")) }
        outbox.append(.ended(interrupted: false, seconds: 1))
        let reports = drain(&outbox)
        #expect(reports.count == Outbox.noteLimit + 2)
        #expect(reports.last == .ended(interrupted: false, seconds: 1))
        guard case .note(let text) = reports[Outbox.noteLimit] else { return #expect(Bool(false)) }
        #expect(text.hasPrefix("5 more notes"))
    }
}

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

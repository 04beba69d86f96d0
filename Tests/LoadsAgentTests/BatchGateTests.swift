import LoadsCore
import LoadsEventLoop
import LoadsWire
import Testing

@testable import LoadsAgent

@Suite struct BatchGateTests {
    private static func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    private static func take(
        _ gate: inout BatchGate, _ report: [UInt8], _ milliseconds: Int64, every interval: Duration
    ) throws -> [BatchGate.Passed] {
        gate.take(report, try ReportHead(reading: report), at: at(milliseconds), every: interval)
    }

    @Test func batchesPassUntouchedWhereTheyMayComeOften() throws {
        var gate = BatchGate()
        let batch = SpoolTests.batch(3, raw: 2)
        for time in [0, 1, 2] as [Int64] {
            #expect(try Self.take(&gate, batch, time, every: .milliseconds(100)).map(\.report) == [batch])
        }
    }

    @Test func whatComesTooSoonIsMergedAndPassesInTime() throws {
        var gate = BatchGate()
        let first = try Self.take(&gate, SpoolTests.batch(1, from: 0, to: 1), 0, every: .seconds(1))
        #expect(first.count == 1)
        for (index, time) in ([100, 200, 300] as [Int64]).enumerated() {
            let batch = SpoolTests.batch(2, from: Double(index) + 1, to: Double(index) + 2, raw: 1)
            #expect(try Self.take(&gate, batch, time, every: .seconds(1)) == [])
        }
        #expect(gate.due(at: Self.at(999), every: .seconds(1)) == [])
        let merged = gate.due(at: Self.at(1000), every: .seconds(1))
        #expect(merged.map(\.head.counts) == [ReportCounts(started: 6, ended: 6, hits: 6)])
        #expect(merged.first?.head.from == 1 && merged.first?.head.to == 4)
        guard let report = merged.first?.report, case .batch(let batch)? = try? RunnerReport(decoding: report) else {
            Issue.record("no batch")
            return
        }
        #expect(batch.hits.count == 3)
        #expect(gate.due(at: Self.at(9000), every: .seconds(1)) == [])
    }

    @Test func nothingOvertakesABatch() throws {
        var gate = BatchGate()
        _ = try Self.take(&gate, SpoolTests.batch(1), 0, every: .seconds(1))
        _ = try Self.take(&gate, SpoolTests.batch(1), 10, every: .seconds(1))
        let note = RunnerReport.note("x").encoded()[0]
        #expect(try Self.take(&gate, note, 20, every: .seconds(1)).map(\.head.kind) == [.batch, .note])
        // A late batch takes what waits along, in order.
        _ = try Self.take(&gate, SpoolTests.batch(1), 30, every: .seconds(1))
        #expect(try Self.take(&gate, SpoolTests.batch(5), 2000, every: .seconds(1)).map(\.head.counts.hits) == [1, 5])
    }
}

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
            let batch = SpoolTests.batch(2, from: 1 + Double(index) / 4, to: 1 + Double(index + 1) / 4, raw: 1)
            #expect(try Self.take(&gate, batch, time, every: .seconds(1)) == [])
        }
        #expect(gate.due(at: Self.at(999), every: .seconds(1)) == [])
        let merged = gate.due(at: Self.at(1000), every: .seconds(1))
        #expect(merged.map(\.head.counts) == [ReportCounts(started: 6, ended: 6, hits: 6)])
        #expect(merged.first?.head.from == 1 && merged.first?.head.to == 1.75)
        guard let report = merged.first?.report, case .batch(let batch)? = try? RunnerReport(decoding: report) else {
            Issue.record("no batch")
            return
        }
        #expect(batch.hits.count == 3)
        #expect(gate.due(at: Self.at(9000), every: .seconds(1)) == [])
    }

    @Test func batchesOfTwoSecondsStayTwo() throws {
        var gate = BatchGate()
        var passed: [BatchGate.Passed] = []
        func interval(_ passed: BatchGate.Passed) -> [Double] { [passed.head.from, passed.head.to] }
        // Ten a second, from 0.3 s on.
        for tenth in 3..<35 {
            let time = Int64(tenth) * 100 + 120
            passed += gate.due(at: Self.at(time), every: .seconds(1))
            let batch = SpoolTests.batch(1, from: Double(tenth) / 10, to: Double(tenth + 1) / 10)
            passed += try Self.take(&gate, batch, time, every: .seconds(1))
        }
        passed += gate.flush()
        #expect(passed.map(interval).allSatisfy { $0[1] <= $0[0].rounded(.down) + 1 }, "\(passed.map(interval))")
        #expect(passed.reduce(0) { $0 + $1.head.counts.hits } == 32)
        #expect(passed.count <= 6, "hardly more often than each second: \(passed.map(interval))")
    }

    @Test func whatIsLateForASecondHurriesNobody() throws {
        var gate = BatchGate()
        var passed: [BatchGate.Passed] = []
        for tenth in 10..<50 {
            let time = Int64(tenth) * 100 + 120
            passed += gate.due(at: Self.at(time), every: .seconds(1))
            for from in [0.5, Double(tenth) / 10] {
                let batch = SpoolTests.batch(1, from: from, to: from + 0.1)
                passed += try Self.take(&gate, batch, time, every: .seconds(1))
            }
        }
        passed += gate.flush()
        #expect(passed.reduce(0) { $0 + $1.head.counts.hits } == 80)
        #expect(passed.count <= 12, "of each second one, and one of what is late: \(passed.count)")
        #expect(passed.allSatisfy { $0.head.to <= $0.head.from.rounded(.down) + 1 })
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

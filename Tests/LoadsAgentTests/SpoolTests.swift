import LoadsCore
import LoadsEventLoop
import LoadsWire
import Testing

@testable import LoadsAgent

@Suite struct SpoolTests {
    private static let start = Instant(nanoseconds: 0)
    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: Int64(seconds) * 1_000_000_000) }

    static func batch(_ hits: Int, from: Double = 0, to: Double = 1, raw: Int = 0) -> [UInt8] {
        var batch = Batch(from: from, to: to)
        batch.statistics.iterations.started = hits
        batch.statistics.iterations.ok = hits
        batch.statistics.names["GET /"] = NameStatistics()
        batch.statistics.names["GET /"]!.count = hits
        for _ in 0..<hits { batch.statistics.names["GET /"]!.latency.record(1_000_000) }
        batch.hits = (0..<raw).map { number in
            RawHit(
                time: 0, user: number, iteration: 0, name: "GET /", method: "GET", url: "http://x/", status: 200,
                latency: 1, bytes: 2, requests: 1, error: nil)
        }
        return RunnerReport.batch(batch).encoded()[0]
    }

    private static func spool(_ change: (inout SpoolLimits) -> Void = { _ in }) -> Spool {
        var limits = SpoolLimits()
        change(&limits)
        var spool = Spool(agent: "a", epoch: "00000000000000ee", limits: limits, at: start)
        spool.begin("r", at: start)
        return spool
    }

    /// Sends all that the window lets through.
    static func drain(_ spool: inout Spool, at now: Instant = start) -> [ResultMessage] {
        var sent: [ResultMessage] = []
        while let bytes = spool.next() {
            spool.markSent(at: now)
            if let message = try? ResultMessage(decoding: bytes) { sent.append(message) }
        }
        return sent
    }

    private static func add(_ spool: inout Spool, _ report: [UInt8], run: String = "r") {
        spool.append(run, report: report, try! ReportHead(reading: report))
    }

    @Test func reportsAreNumberedAndLeaveUnchanged() {
        var spool = Self.spool()
        let started = RunnerReport.started(late: 0).encoded()[0]
        Self.add(&spool, started)
        Self.add(&spool, Self.batch(3))
        spool.append("r", end: .finished(interrupted: false, seconds: 1))
        let sent = Self.drain(&spool)
        #expect(sent.map(\.sequence) == [1, 2, 3])
        #expect(sent.map(\.epoch) == ["00000000000000ee", "00000000000000ee", "00000000000000ee"])
        #expect(sent[0].content == .report(started) && sent[1].content == .report(Self.batch(3)))
        #expect(sent[2].content == .ended(.finished(interrupted: false, seconds: 1)))
        #expect(spool.counts("r") == ReportCounts(started: 3, ended: 3, hits: 3))
        #expect(spool.next() == nil)
    }

    @Test func aRunIsForgottenWithItsEnd() {
        var spool = Self.spool()
        Self.add(&spool, Self.batch(1))
        spool.append("r", end: .finished(interrupted: false, seconds: 1))
        _ = Self.drain(&spool)
        #expect(spool.acknowledge("r", epoch: "00000000000000ee", 1, at: Self.start) == false)
        #expect(spool.messages == 1)
        // Of an earlier life, or of a run that is not here: nothing happens.
        #expect(spool.acknowledge("r", epoch: "00000000000000ff", 2, at: Self.start) == false)
        #expect(spool.acknowledge("x", epoch: "00000000000000ee", 2, at: Self.start) == false)
        #expect(spool.acknowledge("r", epoch: "00000000000000ee", 2, at: Self.start) == true)
        #expect(spool.held == [] && spool.messages == 0 && spool.bytes == 0 && spool.isEmpty)
    }

    @Test func theWindowOfMessagesMovesWithTheAcknowledgements() {
        var spool = Self.spool { $0.windowMessages = 4 }
        for _ in 0..<10 { Self.add(&spool, Self.batch(1)) }
        #expect(Self.drain(&spool).map(\.sequence) == [1, 2, 3, 4])
        _ = spool.acknowledge("r", epoch: spool.epoch, 3, at: Self.start)
        #expect(Self.drain(&spool).map(\.sequence) == [5, 6, 7])
        // Acknowledgements may come twice, or late.
        _ = spool.acknowledge("r", epoch: spool.epoch, 2, at: Self.start)
        #expect(Self.drain(&spool).isEmpty)
    }

    /// A hundred agents send ten batches a second each, a thousand agents one.
    @Test(arguments: [(1, 256), (100, 256), (200, 128), (1000, 25), (60_000, 16), (0, 256)])
    func theWindowIsSmallerWhereBatchesAreRarer(interval: Int, messages: Int) {
        var spool = Self.spool()
        for _ in 0..<300 { Self.add(&spool, Self.batch(1)) }
        spool.batchesCome(every: .milliseconds(interval))
        #expect(Self.drain(&spool).count == messages)
        // A smaller one than the least stays as it is.
        var small = Self.spool { $0.windowMessages = 4 }
        for _ in 0..<10 { Self.add(&small, Self.batch(1)) }
        small.batchesCome(every: .milliseconds(interval))
        #expect(Self.drain(&small).count == 4)
    }

    @Test func theWindowOfBytesIsSmallerWhereBatchesAreRarer() {
        let report = Self.batch(1, raw: 1000)
        var spool = Self.spool { $0.windowMessages = 1 << 20 }
        for _ in 0..<(4 << 20) / report.count { Self.add(&spool, report) }
        spool.batchesCome(every: .seconds(1))
        let first = Self.drain(&spool).count
        #expect(first > 0 && first * report.count <= (16 << 20) / 10)
        spool.batchesCome(every: .milliseconds(100))
        #expect(Self.drain(&spool).count > 0, "fewer agents: the window is wide again")
    }

    @Test func theWindowOfBytesLetsOneThroughWhateverItsSize() {
        let size = Self.batch(1).count
        var spool = Self.spool { $0.windowBytes = size / 2 }
        for _ in 0..<3 { Self.add(&spool, Self.batch(1)) }
        #expect(Self.drain(&spool).map(\.sequence) == [1])
        _ = spool.acknowledge("r", epoch: spool.epoch, 1, at: Self.start)
        #expect(Self.drain(&spool).map(\.sequence) == [2])
    }

    @Test func afterAWelcomeTheFirstUnacknowledgedComesAgain() {
        var spool = Self.spool()
        for _ in 0..<5 { Self.add(&spool, Self.batch(1)) }
        _ = Self.drain(&spool)
        _ = spool.acknowledge("r", epoch: spool.epoch, 2, at: Self.start)
        spool.rewind()
        #expect(Self.drain(&spool).map(\.sequence) == [3, 4, 5])
    }

    @Test func whatIsNotAcknowledgedIsSentAgainLessAndLessOften() {
        var spool = Self.spool()
        Self.add(&spool, Self.batch(1))
        var times: [Int] = []
        for second in 0..<200 {
            if spool.takeBackOverdue(at: Self.at(second)) { times.append(second) }
            _ = Self.drain(&spool, at: Self.at(second))
        }
        #expect(times == [5, 15, 35, 75, 135, 195])
        _ = spool.acknowledge("r", epoch: spool.epoch, 1, at: Self.at(200))
        #expect(spool.takeBackOverdue(at: Self.at(300)) == false)
    }

    @Test func runsTakeTurns() {
        var spool = Self.spool { $0.windowMessages = 4 }
        spool.begin("s", at: Self.start)
        for _ in 0..<9 { Self.add(&spool, Self.batch(1)) }
        for _ in 0..<2 { Self.add(&spool, Self.batch(1), run: "s") }
        let sent = Self.drain(&spool)
        #expect(sent.filter { $0.run == "r" }.map(\.sequence) == [1, 2])
        #expect(sent.filter { $0.run == "s" }.map(\.sequence) == [1, 2])
        spool.forget("s")
        #expect(Self.drain(&spool).map(\.sequence) == [3, 4])
    }

    @Test func aFullSpoolMergesWhatComesAndLosesNothingThatWasCounted() throws {
        let size = Self.batch(1).count + 200
        var spool = Self.spool {
            $0.memory = 10 * size
            $0.windowMessages = 1000
        }
        Self.add(&spool, RunnerReport.started(late: 0).encoded()[0])
        for second in 0..<100 {
            Self.add(&spool, Self.batch(1, from: Double(second), to: Double(second + 1), raw: 2))
        }
        #expect(spool.bytes <= 10 * size)
        #expect(spool.takeWarnings().count == 1)
        // The end comes behind what was merged, whatever the room.
        spool.append("r", end: .finished(interrupted: false, seconds: 100))
        let sent = Self.drain(&spool)
        #expect(sent.map(\.sequence) == (1...UInt64(sent.count)).map { $0 })
        #expect(sent.count < 15)
        var total = Batch()
        var last = Batch()
        for message in sent {
            if case .report(let bytes) = message.content, case .batch(let batch) = try RunnerReport(decoding: bytes) {
                last = batch
                total.merge(batch)
            }
        }
        #expect(total.statistics.hitCount == 100 && total.statistics.iterations.started == 100)
        #expect(total.hits.count + total.statistics.health.droppedHits == 200)
        #expect(last.to == 100 && last.from > 0 && last.from < 20)
        #expect(sent.last?.content == .ended(.finished(interrupted: false, seconds: 100)))
    }

    @Test func aFullSpoolKeepsNoMoreNamesThanThePlan() throws {
        var overflow = SpoolOverflow(maxNames: 3)
        for round in 0..<200 {
            var batch = Batch(from: Double(round), to: Double(round + 1))
            for name in ["GET /", "GET /\(round)"] {
                batch.statistics.names[name] = NameStatistics()
                batch.statistics.names[name]!.count = 1
            }
            let report = RunnerReport.batch(batch).encoded()[0]
            overflow.add(report, try ReportHead(reading: report), time: 0)
        }
        let merged = try #require(overflow.batch).statistics
        #expect(merged.names.mapValues(\.count) == ["GET /": 200, "GET /0": 1, "GET /1": 1, "(other)": 198])
        #expect(merged.health.overflowedNames == 198)
    }

    @Test func whatWasMergedIsNumberedWhenThereIsRoom() {
        let size = Self.batch(1).count + 200
        var spool = Self.spool { $0.memory = 8 * size }
        for _ in 0..<20 { Self.add(&spool, Self.batch(1)) }
        let first = Self.drain(&spool)
        #expect(first.count < 20)
        _ = spool.acknowledge("r", epoch: spool.epoch, UInt64(first.count), at: Self.start)
        let second = Self.drain(&spool)
        #expect(second.map(\.sequence) == [UInt64(first.count) + 1])
        Self.add(&spool, Self.batch(1))
        #expect(Self.drain(&spool).map(\.sequence) == [UInt64(first.count) + 2])
    }

    @Test func notesThatDoNotFitAreCountedAsLost() {
        let note = RunnerReport.note(String(repeating: "x", count: 1000)).encoded()[0]
        var spool = Self.spool { $0.memory = 5000 }
        Self.add(&spool, Self.batch(1, from: 1, to: 2))
        for _ in 0..<10 { Self.add(&spool, note) }
        spool.append("r", end: .finished(interrupted: false, seconds: 2))
        let sent = Self.drain(&spool)
        let notes = sent.filter { $0.content == .report(note) }.count
        #expect(notes < 10)
        #expect(
            sent.contains {
                $0.content == .lost(.init(messages: 10 - notes, hits: 0, iterations: 0, from: 2, to: 2))
            })
    }
}

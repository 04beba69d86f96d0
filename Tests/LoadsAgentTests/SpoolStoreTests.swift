import Foundation
import LoadsCore
import LoadsEventLoop
import LoadsWire
import Testing

@testable import LoadsAgent

@Suite struct SpoolStoreTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "loads-spool-\(UUID().uuidString)").path
    private static let now = Instant(nanoseconds: 0)
    private static let epoch = "00000000000000ee"

    private func open(
        segmentBytes: Int = 8 << 20, _ change: (inout SpoolLimits) -> Void = { _ in }
    ) throws -> (spool: Spool, store: SpoolStore) {
        let store = try SpoolStore(directory: folder, segmentBytes: segmentBytes)
        let recovered = store.recover()
        var limits = SpoolLimits()
        change(&limits)
        let spool = Spool(
            agent: "a", epoch: recovered?.epoch ?? Self.epoch, limits: limits, store: store,
            recovered: recovered?.runs ?? [], at: Self.now)
        return (spool, store)
    }

    private func add(_ spool: inout Spool, _ count: Int) throws {
        for _ in 0..<count {
            let batch = SpoolTests.batch(1)
            spool.append("r", report: batch, try ReportHead(reading: batch))
        }
    }

    private var segments: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/r")) ?? []).filter { $0.hasSuffix(".seg") }
            .sorted()
    }

    @Test func whatAKilledAgentLeavesIsDeliveredUnderItsEpoch() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var (spool, _) = try open()
            spool.begin("r", at: Self.now)
            try add(&spool, 5)
            _ = SpoolTests.drain(&spool)
            _ = spool.acknowledge("r", epoch: Self.epoch, 2, at: Self.now)
        }
        var (spool, _) = try open()
        #expect(spool.epoch == Self.epoch && spool.held == ["r"] && spool.last("r") == 5)
        // What was acknowledged and is still in the file comes again; the master knows it by its number.
        let sent = SpoolTests.drain(&spool)
        #expect(sent.map(\.sequence) == [1, 2, 3, 4, 5])
        #expect(sent[4].content == .report(SpoolTests.batch(1)))
        // The runner died with the agent. Its end is numbered once the rest is delivered.
        #expect(spool.acknowledge("r", epoch: Self.epoch, 5, at: Self.now) == false)
        let end = SpoolTests.drain(&spool)
        #expect(end.map(\.sequence) == [6])
        guard case .ended(.crashed(let crash))? = end.first?.content else {
            Issue.record("\(end)")
            return
        }
        #expect(crash.reason.contains("killed"))
        #expect(spool.acknowledge("r", epoch: Self.epoch, 6, at: Self.now) == true)
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/r"))
    }

    @Test func aRunMayHaveAnyNameAlsoThatOfAFileOfTheStore() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let names = ["counters", "epoch", "epoch.new"]
        do {
            var (spool, store) = try open()
            let batch = SpoolTests.batch(1)
            for run in names {
                spool.begin(run, at: Self.now)
                spool.append(run, report: batch, try ReportHead(reading: batch))
            }
            #expect(store.isWorking && spool.takeWarnings() == [])
        }
        let (spool, _) = try open()
        #expect(spool.epoch == Self.epoch && spool.held == names)
    }

    @Test func theHoleOfAKilledAgentHasASize() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var (spool, store) = try open()
            spool.begin("r", at: Self.now)
            try add(&spool, 5)
            var memory = [UInt8](repeating: 0, count: LiveCounters.byteCount)
            memory[0] = 9
            memory[8] = 8
            memory[16] = 7
            try Data(memory).write(to: URL(filePath: store.countersPath("r")))
        }
        var (spool, _) = try open()
        _ = SpoolTests.drain(&spool)
        _ = spool.acknowledge("r", epoch: Self.epoch, 5, at: Self.now)
        guard case .ended(.crashed(let crash))? = SpoolTests.drain(&spool).first?.content else {
            Issue.record("no end")
            return
        }
        #expect(crash.unreportedStarted == 4 && crash.unreportedEnded == 3 && crash.unreportedHits == 2)
    }

    @Test func aMasterThatTookMoreThanTheDiskKeptIsFollowed() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var (spool, _) = try open()
            spool.begin("r", at: Self.now)
            try add(&spool, 3)
        }
        var (spool, _) = try open()
        _ = SpoolTests.drain(&spool)
        _ = spool.acknowledge("r", epoch: Self.epoch, 8, at: Self.now)
        #expect(SpoolTests.drain(&spool).map(\.sequence) == [9])
        // It had more on the way than it had stored: what it took as 9 was not the end.
        #expect(spool.acknowledge("r", epoch: Self.epoch, 12, at: Self.now) == false)
        let again = SpoolTests.drain(&spool)
        #expect(again.map(\.sequence) == [13] && spool.held == ["r"])
        guard case .ended(.crashed)? = again.first?.content else {
            Issue.record("\(again)")
            return
        }
        #expect(spool.acknowledge("r", epoch: Self.epoch, 13, at: Self.now) == true)
        #expect(spool.isEmpty && spool.held.isEmpty)
    }

    @Test func aRunThatHadEndedNeedsNoOther() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var (spool, _) = try open()
            spool.begin("r", at: Self.now)
            try add(&spool, 1)
            spool.append("r", end: .finished(interrupted: false, seconds: 1))
        }
        var (spool, _) = try open()
        #expect(SpoolTests.drain(&spool).map(\.sequence) == [1, 2])
        #expect(spool.acknowledge("r", epoch: Self.epoch, 2, at: Self.now) == true)
    }

    @Test(arguments: [1, 3, 39, 41, 100]) func aTornTailIsCutOff(_ missing: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var (spool, _) = try open()
            spool.begin("r", at: Self.now)
            try add(&spool, 3)
        }
        let path = "\(folder)/r/\(segments[0])"
        let whole = try Data(contentsOf: URL(filePath: path))
        try whole.dropLast(missing).write(to: URL(filePath: path))
        var (spool, _) = try open()
        #expect(spool.last("r") == 2)
        _ = SpoolTests.drain(&spool)
        _ = spool.acknowledge("r", epoch: Self.epoch, 2, at: Self.now)
        let end = SpoolTests.drain(&spool)
        #expect(end.map(\.sequence) == [3])
        // Written where the torn one was: it is whole again.
        var (again, _) = try open()
        #expect(SpoolTests.drain(&again).map(\.sequence) == [1, 2, 3])
    }

    @Test func aRottenRecordEndsWhatIsKept() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var (spool, _) = try open()
            spool.begin("r", at: Self.now)
            try add(&spool, 3)
        }
        let path = "\(folder)/r/\(segments[0])"
        var bytes = try Data(contentsOf: URL(filePath: path))
        let record = (bytes.count - 64) / 3
        bytes[64 + record + 60] ^= 1
        try bytes.write(to: URL(filePath: path))
        let (spool, _) = try open()
        #expect(spool.last("r") == 1)
    }

    @Test(arguments: [0, 1, 2]) func behindAHoleNothingIsKept(_ damaged: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var (spool, _) = try open(segmentBytes: 1000)
            spool.begin("r", at: Self.now)
            try add(&spool, 20)
        }
        let names = segments
        #expect(names.count > 3)
        try Data("nonsense".utf8).write(to: URL(filePath: "\(folder)/r/\(names[damaged])"))
        let (spool, _) = try open(segmentBytes: 1000)
        // Without its beginning a run cannot be delivered at all.
        #expect(spool.held == (damaged == 0 ? [] : ["r"]))
        #expect(spool.last("r") == (damaged == 0 ? 0 : UInt64(names[damaged].dropLast(4))))
    }

    @Test func filesGoWhenTheyAreAcknowledged() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (spool, _) = try open(segmentBytes: 2000) { $0.windowMessages = 1000 }
        spool.begin("r", at: Self.now)
        try add(&spool, 60)
        let many = segments.count
        #expect(many > 5)
        _ = SpoolTests.drain(&spool)
        _ = spool.acknowledge("r", epoch: Self.epoch, 40, at: Self.now)
        #expect(segments.count < many && segments.count > 1)
        _ = spool.acknowledge("r", epoch: Self.epoch, 60, at: Self.now)
        #expect(segments.count == 1)
        try add(&spool, 1)
        // The numbers are kept though all that had them is gone.
        let (again, _) = try open(segmentBytes: 2000)
        #expect(again.last("r") == 61)
    }

    @Test func beyondTheMemoryTheDiskKeepsWhatWaits() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (spool, _) = try open { $0.memory = 2000 }
        spool.begin("r", at: Self.now)
        try add(&spool, 50)
        #expect(spool.takeWarnings() == [])
        let sent = SpoolTests.drain(&spool)
        #expect(sent.map(\.sequence) == (1...50).map { UInt64($0) })
        #expect(sent.allSatisfy { $0.content == .report(SpoolTests.batch(1)) })
        _ = spool.acknowledge("r", epoch: Self.epoch, 50, at: Self.now)
        #expect(spool.bytes == 0)
    }

    @Test func aDiskThatTakesNothingLeavesTheMemory() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (spool, store) = try open(segmentBytes: 1000)
        spool.begin("r", at: Self.now)
        try add(&spool, 1)
        // No folder, no further segment: as good as a full disk, also for root.
        try FileManager.default.moveItem(atPath: "\(folder)/r", toPath: "\(folder)/gone")
        try add(&spool, 20)
        #expect(!store.isWorking)
        let warnings = spool.takeWarnings()
        #expect(warnings.count == 1 && warnings[0].contains("memory only"))
        #expect(SpoolTests.drain(&spool).map(\.sequence) == (1...21).map { UInt64($0) })
        // What has holes is not offered as if it were whole.
        let (again, _) = try open()
        #expect(again.held == [])
    }

    @Test func whatIsNoSpoolIsLeftOut() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for text in ["", "LOADSSPL", String(repeating: "x", count: 500)] {
            try FileManager.default.createDirectory(atPath: "\(folder)/r", withIntermediateDirectories: true)
            try Data(Self.epoch.utf8).write(to: URL(filePath: "\(folder)/.epoch"))
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/r/0.seg"))
            let (spool, _) = try open()
            #expect(spool.held == [])
        }
    }
}

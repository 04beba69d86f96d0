import Foundation
import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsStore
import LoadsWire
import TestSupport
import Testing

@Suite struct StoreTests {
    private func statistics(_ names: [String], _ count: Int) -> Statistics {
        var statistics = Statistics()
        statistics.iterations.started = count
        statistics.iterations.ok = count
        for name in names {
            var group = NameStatistics()
            group.count = count
            for _ in 0..<count { group.latency.record(1_000_000) }
            statistics.names[name] = group
            statistics.steps[name] = StepStatistics()
            statistics.steps[name]!.count = count
            statistics.checks[name] = CheckCounts(passed: count, failed: 1)
            statistics.metrics[name] = MetricStatistics(kind: .trend, unit: "ms")
            statistics.metrics[name]!.record(Double(count), at: 1)
        }
        return statistics
    }

    private func record(_ id: String = "r") -> RunRecord {
        let plan = Plan(cycles: [.init(users: 3, amount: .iterations(10))])
        let submission = RunSubmission(
            run: id, target: "t", isURLTarget: true, launch: RunnerLaunch(executable: "/x"),
            order: RunnerOrder(plan: plan), placement: Placement(agents: 2, onLost: .redistribute), keepHits: true)
        var record = RunRecord(submission: submission, submittedAt: 12.5)
        record.state = .running
        record.startedAt = 13
        record.start = Instant(nanoseconds: 77)
        record.nextUser = 9
        if let threshold = try? Threshold("p95 < 1s over 10s abort") {
            record.thresholds = [
                ThresholdResult(
                    threshold: threshold, state: .breached, actual: 2e9, samples: 7, windowEnd: 20, windows: 11,
                    brokenWindows: 1, breachedAt: 20, aborted: true, lateSamples: 2),
                ThresholdResult(threshold: threshold, doubt: .tooShort),
            ]
        }
        var member = RunMember(
            agent: "a", name: "host", epoch: "00000000000000aa", cores: 4, firstUser: 2, users: 3)
        member.phase = .running
        member.adjustment = Adjustment(users: 4, firstNewUser: 5, at: 6)
        member.missing = AgentShare.Missing(from: 1, to: nil, hits: 3, reason: "x")
        member.gaveUp = AgentShare.Missing(from: 2, to: 3, hits: 40, reason: "its spool was full")
        member.startSkew = 0.25
        record.stop = RunRecord.Stop(abort: true, reason: "stopped")
        record.members = [member]
        var setUp = RunRecord.SetUp()
        setUp.phase = .tearingDown
        setUp.child = "r.tear-down"
        setUp.value = [1, 255]
        setUp.failure = "x"
        setUp.refusal = RunRecord.Refusal(code: 69, message: "y")
        record.setUp = setUp
        record.parent = "p"
        record.value = [0]
        return record
    }

    private func part(_ sequence: UInt64, hits: Int) -> StoredPart {
        StoredPart(
            agent: "a", epoch: "00000000000000aa", sequence: sequence, hits: hits, lastData: 1.5,
            statistics: statistics([], hits))
    }

    private let hit = RawHit(
        time: 0.5, user: 1, iteration: 2, name: "n", method: "GET", url: "http://x/", status: 200,
        latency: 1_000_000, bytes: 10, requests: 1, error: nil)

    @Test func whatWasStoredIsReadBack() async throws {
        let directory = try TemporaryDirectory()
        let storage = try SQLiteStorage(directory: directory.path)
        var changes = RunChanges(record: record())
        changes.total = statistics(["n", "m"], 5)
        changes.seconds = [0: statistics(["n"], 2), 1: statistics(["n", "m"], 3)]
        changes.seconds[0]!.users = 3
        changes.parts = [part(7, hits: 5)]
        changes.events = [LogEntry(number: 1, at: 13, event: RunEvent(kind: "started", text: "go", agent: "a"))]
        #expect(try await storage.commit([changes], keys: ["a": "key-a"]).isEmpty)
        // The next commit has the names that changed, and adds to a second that is there.
        changes.total = statistics(["n"], 9)
        changes.seconds = [1: statistics(["n"], 4)]
        changes.seconds[1]!.users = 4
        changes.parts = [part(8, hits: 9)]
        changes.events = []
        #expect(try await storage.commit([changes], keys: ["a": "key-a"]).isEmpty)
        await storage.close()

        let again = try SQLiteStorage(directory: directory.path)
        let state = try await again.load()
        #expect(state.keys == ["a": "key-a"])
        let stored = try #require(state.open.first)
        #expect(stored.record == record())
        #expect(stored.total.names.mapValues(\.count) == ["n": 9, "m": 5])
        #expect(stored.total.iterations.ok == 9)
        #expect(stored.parts == [part(8, hits: 9)])
        let seconds = try await again.seconds("r", from: 0, limit: 10)
        #expect(seconds.map(\.0) == [0, 1])
        #expect(seconds.map { $0.1.names["n"]?.count } == [2, 7])
        #expect(seconds.map { $0.1.iterations.ok } == [2, 7])
        let users = try await again.users("r", last: 5)
        #expect(users.map(\.second) == [0, 1] && users.map(\.users) == [3, 4])
        #expect(try await again.users("r", last: 1).map(\.users) == [4])
        #expect(
            try await again.log("r", from: 1, limit: 10) == [
                LogEntry(number: 1, at: 13, event: RunEvent(kind: "started", text: "go", agent: "a"))
            ])
        await again.close()
    }

    @Test func aRunThatIsOverIsHistory() async throws {
        let directory = try TemporaryDirectory()
        let storage = try SQLiteStorage(directory: directory.path)
        var record = record()
        record.state = .ended
        record.duration = 4
        _ = try await storage.commit([RunChanges(record: record, total: statistics(["n"], 5))], keys: [:])
        let state = try await storage.load()
        #expect(state.open.isEmpty)
        #expect(state.history.map(\.hits) == [5])
        #expect(try await storage.run("r")?.record.duration == 4)
        await storage.close()
    }

    @Test func oldRunsAreForgottenWithTheirHits() async throws {
        let directory = try TemporaryDirectory()
        let storage = try SQLiteStorage(directory: directory.path, runs: 2)
        func add(_ id: String, isOver: Bool) async throws {
            var changes = RunChanges(record: record(id))
            changes.record.state = isOver ? .ended : .running
            changes.total = statistics(["n"], 5)
            changes.seconds = [0: statistics(["n"], 5)]
            changes.parts = [part(1, hits: 5)]
            changes.events = [LogEntry(number: 1, at: 13, event: RunEvent(kind: "started", text: "go"))]
            changes.hits = [("a", [hit])]
            #expect(try await storage.commit([changes], keys: ["a": "key-a"]).isEmpty)
        }
        func hits() -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: directory.path + "/hits")) ?? []
        }
        try await add("going", isOver: false)
        for id in ["one", "two"] { try await add(id, isOver: true) }
        #expect(try await storage.load().history.map(\.run) == ["one", "two"])
        try await add("three", isOver: true)
        #expect(try await storage.load().history.map(\.run) == ["two", "three"])
        #expect(try await storage.load().open.map(\.record.run) == ["going"])
        #expect(try await storage.run("one") == nil)
        #expect(try await storage.seconds("one", from: 0, limit: 9).isEmpty)
        #expect(try await storage.log("one", from: 1, limit: 9).isEmpty)
        #expect(try await storage.seconds("two", from: 0, limit: 9).count == 1)
        #expect(hits().sorted() == ["going.ndjson", "three.ndjson", "two.ndjson"])
        // It began before all of them, and ends after them.
        try await add("going", isOver: true)
        #expect(try await storage.load().history.map(\.run) == ["three", "going"])
        await storage.close()
        // A master that is told to keep fewer, and finds a file that the last one was about to remove.
        _ = FileManager.default.createFile(atPath: directory.path + "/hits/gone.ndjson", contents: nil)
        let again = try SQLiteStorage(directory: directory.path, runs: 1)
        #expect(try await again.load().history.map(\.run) == ["going"])
        #expect(hits() == ["going.ndjson"])
        await again.close()
    }

    /// After a restart its run asks for what came of it.
    @Test func aSetUpIsKeptForAsLongAsItsRunIsOpen() async throws {
        let directory = try TemporaryDirectory()
        let storage = try SQLiteStorage(directory: directory.path, runs: 1)
        func add(_ id: String, parent: String? = nil, isOver: Bool = true) async throws {
            var record = record(id)
            record.state = isOver ? .ended : .running
            record.parent = parent
            _ = try await storage.commit([RunChanges(record: record)], keys: [:])
        }
        try await add("parent", isOver: false)
        try await add("child", parent: "parent")
        for id in ["one", "two"] { try await add(id) }
        #expect(try await storage.load().history.map(\.run) == ["child", "two"])
        try await add("parent")
        #expect(try await storage.load().history.map(\.run) == ["parent"])
        await storage.close()
    }

    @Test func memoryForgetsOldRunsToo() async throws {
        let storage = MemoryStorage(keepsSeconds: true, runs: 1)
        for (number, id) in ["one", "two"].enumerated() {
            var record = record(id)
            record.submittedAt = Double(number)
            record.state = .ended
            _ = await storage.commit([RunChanges(record: record)], keys: [:])
        }
        #expect(await storage.load().history.map(\.run) == ["two"])
        #expect(await storage.run("one") == nil)
    }

    @Test func aRecordIsReadBackAsItWasLast() async throws {
        let directory = try TemporaryDirectory()
        let storage = try SQLiteStorage(directory: directory.path)
        var record = record()
        for (number, reason) in [nil, nil, "away", nil, nil].enumerated() {
            record.members[0].missing = reason.map { AgentShare.Missing(from: 1, to: 2, hits: 3, reason: $0) }
            _ = try await storage.commit(
                [RunChanges(record: record, parts: [part(UInt64(number + 1), hits: number)])], keys: [:])
            #expect(try await storage.run("r")?.record == record)
        }
        await storage.close()
        let again = try SQLiteStorage(directory: directory.path)
        #expect(try await again.load().open.first?.record == record)
        _ = try await again.commit([RunChanges(record: record)], keys: [:])
        #expect(try await again.run("r")?.parts.map(\.sequence) == [5])
        await again.close()
    }

    @Test func itGrowsWithNamesAndSecondsNotWithBatches() async throws {
        let directory = try TemporaryDirectory()
        let storage = try SQLiteStorage(directory: directory.path)
        var changes = RunChanges(record: record(), seconds: [0: statistics(["n"], 1)])
        for number in 1...100 {
            changes.parts = [part(UInt64(number), hits: number)]
            _ = try await storage.commit([changes], keys: [:])
        }
        let seconds = try await storage.seconds("r", from: 0, limit: 10)
        #expect(seconds.count == 1 && seconds[0].1.names["n"]?.count == 100)
        await storage.close()
    }

    @Test func everyHitIsALineOnceWhateverAKilledMasterLeft() async throws {
        let directory = try TemporaryDirectory()
        let storage = try SQLiteStorage(directory: directory.path)
        var changes = RunChanges(record: record())
        changes.hits = [("a", [hit, hit]), ("b", [hit])]
        _ = try await storage.commit([changes], keys: [:])
        // A master that was killed between the file and the transaction has left more than the database knows.
        let file = "\(directory.path)/hits/r.ndjson"
        let stream = try #require(fopen(file, "a"))
        fputs("half a li", stream)
        fclose(stream)
        _ = try await storage.commit([changes], keys: [:])
        let lines = try text(of: file).split(separator: "\n")
        #expect(lines.count == 6)
        #expect(lines.allSatisfy { $0.hasPrefix("{\"t\":0.5") && $0.hasSuffix("}") })
        await storage.close()
    }

    @Test func aForgottenIdentityIsNoLongerStored() async throws {
        let directory = try TemporaryDirectory()
        let storage = try SQLiteStorage(directory: directory.path)
        _ = try await storage.commit([], keys: ["a": "k", "b": "k"])
        _ = try await storage.commit([], keys: ["a": nil, "c": "l"])
        #expect(try await storage.load().keys == ["b": "k", "c": "l"])
        await storage.close()
    }

    @Test(arguments: [false, true]) func nobodyElseMayReadWhatIsStored(_ wasOpen: Bool) async throws {
        let directory = try TemporaryDirectory()
        var storage = try SQLiteStorage(directory: directory.path)
        _ = try await storage.commit([RunChanges(record: record())], keys: [:])
        if wasOpen {
            await storage.close()
            chmod("\(directory.path)/master.sqlite", 0o644)
            storage = try SQLiteStorage(directory: directory.path)
        }
        var changes = RunChanges(record: record())
        changes.hits = [("a", [hit])]
        _ = try await storage.commit([changes], keys: [:])
        for file in ["master.sqlite", "master.sqlite-wal", "master.sqlite-shm", "hits/r.ndjson", "lock"] {
            var information = stat()
            #expect(stat("\(directory.path)/\(file)", &information) == 0, "\(file)")
            #expect(information.st_mode & 0o777 == 0o600, "\(file)")
        }
        await storage.close()
    }

    /// `/dev/null` takes everything, and cannot promise to keep it.
    @Test func hitsThatAreNotOnTheDiskDoNotCountAsKept() async throws {
        let directory = try TemporaryDirectory()
        let storage = try SQLiteStorage(directory: directory.path)
        mkdir("\(directory.path)/hits", 0o700)
        #expect(symlink("/dev/null", "\(directory.path)/hits/r.ndjson") == 0)
        var changes = RunChanges(record: record())
        changes.hits = [("a", [hit, hit])]
        #expect(try await storage.commit([changes], keys: [:]) == ["r": 2])
        await storage.close()
    }

    @Test func oneMasterADirectory() async throws {
        let directory = try TemporaryDirectory()
        let storage = try SQLiteStorage(directory: directory.path)
        #expect { _ = try SQLiteStorage(directory: directory.path) } throws: { ($0 as? StorageError)?.code == .locked }
        await storage.close()
        await (try SQLiteStorage(directory: directory.path)).close()
    }

    /// Makes a database of what an older release has stored.
    private func storeOlder(in directory: String, _ change: String = "") async throws {
        let text = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/form-1.sql"
        let script = """
            import sqlite3, sys
            database = sqlite3.connect(sys.argv[1])
            database.executescript(open(sys.argv[2]).read() + sys.argv[3])
            """
        let outcome = try await ChildProcess.run(["python3", "-c", script, directory + "/master.sqlite", text, change])
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    @Test func whatAnOlderReleaseHasStoredIsTakenOver() async throws {
        let directory = try TemporaryDirectory()
        try await storeOlder(in: directory.path)
        // Twice: taking it over has changed its form.
        for round in 0..<2 {
            let storage = try SQLiteStorage(directory: directory.path)
            let state = try await storage.load()
            #expect(state.keys == ["00112233445566aa": "a key"])
            let run = try #require(state.open.first)
            #expect(run.record.run == "20261125-r1" && run.record.state == .running)
            #expect(run.record.submission.order.plan.cycles.map(\.users) == [10, 20])
            #expect(run.record.members.first?.adjustment == Adjustment(users: 12, firstNewUser: 44, at: 6))
            #expect(run.record.members.first?.missing?.reason == "killed")
            #expect(run.record.thresholds.isEmpty && run.record.setUp == nil)
            #expect(run.total.names.mapValues(\.count) == ["GET /": 3] && run.total.iterations.started == 12)
            #expect(run.total.service.count == 4 && run.total.arrivals == ArrivalCounts())
            #expect(run.parts.map(\.sequence) == [7])
            #expect(state.history.map(\.run) == ["20261125-r0"])
            #expect(try await storage.run("20261125-r0")?.record.crash?.unreportedHits == 2)
            #expect(
                try await storage.seconds("20261125-r1", from: 0, limit: 9).map { $0.1.hitCount } == [3 + 2 * round])
            #expect(try await storage.log("20261125-r1", from: 1, limit: 9).map(\.event.text) == ["go"])
            // And it goes on.
            let more = RunChanges(record: run.record, seconds: [0: statistics(["GET /"], 2)])
            #expect(try await storage.commit([more], keys: [:]).isEmpty)
            await storage.close()
        }
    }

    @Test(arguments: [0, 3]) func whatAnotherFormHasIsRefusedAndLeftAlone(_ version: Int) async throws {
        let directory = try TemporaryDirectory()
        try await storeOlder(in: directory.path, "PRAGMA user_version = \(version);")
        let path = directory.path + "/master.sqlite"
        let before = try text(of: path)
        #expect { _ = try SQLiteStorage(directory: directory.path) } throws: { error in
            guard let error = error as? StorageError, error.code == .foreign else { return false }
            return error.message.contains(
                "\(path) was written by another release (format \(version), this one reads 1 to 2)")
                && error.message.contains("--data")
        }
        #expect(try text(of: path) == before)
    }

    @Test func whatIsNoDatabaseOfOursIsLeftAlone() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/master.sqlite"
        let stream = try #require(fopen(path, "w"))
        fputs(String(repeating: "this is no database\n", count: 500), stream)
        fclose(stream)
        let before = try text(of: path)
        #expect { _ = try SQLiteStorage(directory: directory.path) } throws: { error in
            guard let error = error as? StorageError else { return false }
            return error.code == .foreign && error.message.contains(path) && error.message.contains("--data")
        }
        #expect(try text(of: path) == before)
    }

    private func text(of path: String) throws -> String {
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

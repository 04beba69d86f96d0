import Foundation
import LoadsAgent
import LoadsCore
import LoadsWire
import Synchronization
import Testing

/// Files that are shipped to an agent.
@Suite struct FileTests {
    /// A program that leaves a sign that it ran, in its own folder.
    private static let script = Array("#!/bin/sh\ncat data/words.txt > \"$SIGN\"\npwd >> \"$SIGN\"\nexit 3\n".utf8)
    /// Longer than the credit, so that it comes in several requests.
    private static let words = Array(String(repeating: "one two three\n", count: 200_000).utf8)

    /// Bytes by hash, and what was asked for.
    private final class Shelf: Sendable {
        private let files: [String: [UInt8]]
        let asked = Mutex<[Int]>([])
        /// Chunks that are still given; nil is all of them.
        let left = Mutex<Int?>(nil)

        init(_ files: [[UInt8]]) {
            self.files = Dictionary(uniqueKeysWithValues: files.map { (SHA256.hexadecimal(of: $0), $0) })
        }

        func answer(_ hash: String, _ offset: Int, _ bytes: Int) -> [MasterMessage] {
            guard let file = files[hash] else {
                return [.error(WireFault(code: "unknown-file", message: "no such file"))]
            }
            asked.withLock { $0.append(offset) }
            var chunks: [MasterMessage] = []
            for start in stride(from: offset, to: min(file.count, offset + bytes), by: FileChunk.limit) {
                let given = left.withLock { left in
                    guard let count = left else { return true }
                    left = max(0, count - 1)
                    return count > 0
                }
                guard given else { break }
                let end = min(start + FileChunk.limit, min(file.count, offset + bytes))
                chunks.append(.chunk(FileChunk(hash: hash, offset: start, bytes: Array(file[start..<end]))))
            }
            return chunks
        }
    }

    private static func file(_ path: String, _ bytes: [UInt8], executable: Bool = false) -> RunnerLaunch.File {
        RunnerLaunch.File(
            path: path, executable: executable, bytes: bytes.count, hash: SHA256.hexadecimal(of: bytes))
    }

    private static func order(_ files: [RunnerLaunch.File], sign: String) -> AgentOrder {
        var order = Fixtures.order("normal")
        order.launch.program = .path("bin/run.sh")
        order.launch.arguments = []
        order.launch.files = files
        order.launch.environment["SIGN"] = sign
        return order
    }

    private static let both = [file("bin/run.sh", script, executable: true), file("data/words.txt", words)]

    private static func message(_ run: Gathered) -> String {
        if case .refused(_, let message)? = run.end { message } else { "\(String(describing: run.end))" }
    }

    /// Whichever comes last: a program cannot be started while somebody has it open to write.
    @Test(arguments: [both, both.reversed()])
    func aProgramRunsAmongItsFiles(_ files: [RunnerLaunch.File]) async throws {
        let sign = Fixtures.processFile()
        let shelf = Shelf([Self.script, Self.words])
        var manners = PlayedMaster.Manners()
        manners.file = { shelf.answer($0, $1, $2) }
        let rig = try await Rig(manners)
        let run = await rig.gather(Self.order(files, sign: sign))
        // It is no runner, and says so with its exit code; by then it has run.
        #expect(Self.message(run).contains("exit code 3"))
        let text = try String(contentsOfFile: sign, encoding: .utf8)
        #expect(text.hasPrefix("one two three\n"))
        let folder = text.split(separator: "\n").last ?? ""
        #expect(folder.contains("loads-agent-") && folder.hasSuffix("/runs/run-1"))
        // A credit of one megabyte, and then each chunk as another one comes.
        let chunk = FileChunk.limit
        #expect(shelf.asked.withLock { $0.filter { $0 > 0 } }.starts(with: [4 * chunk, 5 * chunk, 6 * chunk]))
        await rig.close()
        #expect(!FileManager.default.fileExists(atPath: String(folder)))
    }

    @Test func whatWasFetchedIsNotFetchedAgain() async throws {
        let data = FileManager.default.temporaryDirectory.appending(path: "loads-data-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: data) }
        let shelf = Shelf([Self.script, Self.words])
        var manners = PlayedMaster.Manners()
        manners.file = { shelf.answer($0, $1, $2) }
        for _ in 0..<2 {
            let rig = try await Rig(manners) { $0.data = data }
            _ = await rig.gather(Self.order(Self.both, sign: Fixtures.processFile()))
            await rig.close()
        }
        #expect(shelf.asked.withLock { $0.count { $0 == 0 } } == 2)
    }

    /// What a power cut may leave of a file, and what nobody should have written: neither is run, and the agent does not
    /// wait for a file for ever that it believes to have.
    @Test(arguments: ["", "short", "same length"])
    func aFileThatLiesThereWithAnotherContentIsFetchedAnew(_ damage: String) async throws {
        let data = FileManager.default.temporaryDirectory.appending(path: "loads-data-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: data) }
        let shelf = Shelf([Self.script, Self.words])
        var manners = PlayedMaster.Manners()
        manners.file = { shelf.answer($0, $1, $2) }
        for round in 0..<2 {
            if round == 1 {
                for bytes in [Self.script, Self.words] {
                    let file = "\(data)/files/\(SHA256.hexadecimal(of: bytes))"
                    #expect(chmod(file, 0o600) == 0)
                    let content = damage == "same length" ? String(repeating: "x", count: bytes.count) : damage
                    try Data(content.utf8).write(to: URL(filePath: file))
                }
            }
            let sign = Fixtures.processFile()
            let rig = try await Rig(manners) { $0.data = data }
            let run = await rig.gather(Self.order(Self.both, sign: sign))
            await rig.close()
            #expect(Self.message(run).contains("exit code 3"))
            #expect(try String(contentsOfFile: sign, encoding: .utf8).hasPrefix("one two three\n"))
        }
        #expect(shelf.asked.withLock { $0.count { $0 == 0 } } == 4)
    }

    /// Each run ships another program, as a team does that builds its tests again and again.
    @Test func filesThatWereNotUsedForLongMakeRoomForOthers() async throws {
        let data = FileManager.default.temporaryDirectory.appending(path: "loads-data-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: data) }
        let programs = (0..<5).map { Array("#!/bin/sh\n# \(String(repeating: "\($0)", count: 9_000))\nexit 3\n".utf8) }
        let shelf = Shelf(programs)
        var manners = PlayedMaster.Manners()
        manners.file = { shelf.answer($0, $1, $2) }
        let rig = try await Rig(manners) {
            $0.data = data
            $0.filesLimit = 20_000
        }
        // The first is used each time, and stays.
        for (number, program) in programs.enumerated() {
            var order = Self.order(
                [Self.file("bin/run.sh", program, executable: true), Self.file("first", programs[0])],
                sign: Fixtures.processFile())
            order.run = "run-\(number)"
            #expect(Self.message(await rig.gather(order)).contains("exit code 3"))
        }
        await rig.close()
        let kept = try FileManager.default.contentsOfDirectory(atPath: "\(data)/files")
        #expect(Set(kept) == Set([programs[0], programs[4]].map { SHA256.hexadecimal(of: $0) }))
        #expect(shelf.asked.withLock { $0.count { $0 == 0 } } == 5)
    }

    @Test func whatARunNeedsIsKeptBeyondTheLimit() async throws {
        let shelf = Shelf([Self.script, Self.words])
        var manners = PlayedMaster.Manners()
        manners.file = { shelf.answer($0, $1, $2) }
        let sign = Fixtures.processFile()
        let rig = try await Rig(manners) { $0.filesLimit = 0 }
        let run = await rig.gather(Self.order(Self.both, sign: sign))
        await rig.close()
        #expect(Self.message(run).contains("exit code 3"))
        #expect(try String(contentsOfFile: sign, encoding: .utf8).hasPrefix("one two three\n"))
    }

    @Test func aCutIsTakenUpWhereItWas() async throws {
        let shelf = Shelf([Self.script, Self.words])
        shelf.left.withLock { $0 = 4 }
        var manners = PlayedMaster.Manners()
        manners.file = { shelf.answer($0, $1, $2) }
        let rig = try await Rig(manners)
        rig.master.tell(.run(Self.order(Self.both, sign: Fixtures.processFile())))
        // The script and three chunks have come; nothing more does.
        _ = await rig.master.sees { if case .fetch(_, 6 * FileChunk.limit, _) = $0 { true } else { nil } }
        shelf.left.withLock { $0 = nil }
        rig.master.tell(.error(WireFault(code: "not-welcome", message: "a new connection")))
        let run = await rig.gathered("run-1")
        await rig.close()
        #expect(Self.message(run).contains("exit code 3"))
        #expect(shelf.asked.withLock { $0.contains(3 * FileChunk.limit) })
    }

    @Test func aFileWithAnotherContentIsFetchedOnceMoreAndThenRefused() async throws {
        let wrong = RunnerLaunch.File(
            path: "data/words.txt", executable: false, bytes: Self.script.count,
            hash: SHA256.hexadecimal(of: Self.words))
        let asked = Mutex(0)
        var manners = PlayedMaster.Manners()
        manners.file = { hash, offset, _ in
            asked.withLock { $0 += 1 }
            return [.chunk(FileChunk(hash: hash, offset: offset, bytes: Self.script))]
        }
        let rig = try await Rig(manners)
        let run = await rig.gather(Self.order([wrong], sign: Fixtures.processFile()))
        await rig.close()
        #expect(Self.message(run).contains("data/words.txt does not arrive as it was sent"))
        #expect(asked.withLock { $0 } == 2)
    }

    @Test func aFileThatTheMasterDoesNotHaveIsARefusal() async throws {
        let run = try await Gathered.run(Self.order(Self.both, sign: Fixtures.processFile()))
        #expect(Self.message(run).contains("no such file"))
    }

    @Test func aStopWhileFilesComeEndsTheRun() async throws {
        var manners = PlayedMaster.Manners()
        manners.file = { _, _, _ in [] }
        let rig = try await Rig(manners)
        rig.master.tell(.run(Self.order(Self.both, sign: Fixtures.processFile())))
        _ = await rig.master.sees { if case .fetch = $0 { true } else { nil } }
        rig.master.tell(.stop(run: "run-1", abort: false, reason: "a test"))
        let run = await rig.gathered("run-1")
        await rig.close()
        #expect(run.end == .finished(interrupted: true, seconds: 0))
    }
}

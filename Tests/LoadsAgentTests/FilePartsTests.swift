import Foundation
import LoadsEventLoop
import LoadsWire
import Testing

@testable import LoadsAgent

/// The parts of shipping files that need no master.
@Suite struct FilePartsTests {
    private static let now = Instant(nanoseconds: 0)
    private static let hash = String(repeating: "a", count: 64)

    private static func fetch(_ bytes: Int) -> FileFetch {
        FileFetch(.init(path: "a", executable: false, bytes: bytes, hash: hash), at: now)
    }

    private static func chunk(_ offset: Int, _ count: Int, hash: String = hash) -> FileChunk {
        FileChunk(hash: hash, offset: offset, bytes: [UInt8](repeating: 1, count: count))
    }

    @Test func noMoreThanTheCreditIsAskedFor() {
        let limit = FileChunk.limit
        var fetch = Self.fetch(10 * limit + 5)
        #expect(fetch.request() == .init(offset: 0, bytes: FileFetch.credit))
        #expect(fetch.request() == nil)
        #expect(fetch.take(Self.chunk(0, limit), at: Self.now) == true)
        #expect(fetch.request() == .init(offset: 4 * limit, bytes: limit))
        // Too little for a request of its own: with the next.
        #expect(fetch.take(Self.chunk(limit, 100), at: Self.now) == true)
        #expect(fetch.request() == nil)
    }

    @Test func theLastRequestIsForWhatIsLeft() {
        var fetch = Self.fetch(5)
        #expect(fetch.request() == .init(offset: 0, bytes: 5))
        #expect(fetch.take(Self.chunk(0, 5), at: Self.now) == true)
        #expect(fetch.isComplete)
        #expect(fetch.request() == nil)
    }

    @Test func onlyTheNextChunkIsTaken() {
        var fetch = Self.fetch(100)
        for wrong in [
            Self.chunk(10, 5), Self.chunk(0, 0), Self.chunk(0, 101),
            Self.chunk(0, 5, hash: String(repeating: "b", count: 64)),
        ] {
            #expect(fetch.take(wrong, at: Self.now) == false)
        }
        #expect(fetch.take(Self.chunk(0, 5), at: Self.now) == true)
        #expect(fetch.take(Self.chunk(0, 5), at: Self.now) == false)
    }

    @Test func whatDoesNotComeIsAskedForAgainFromWhereItIs() {
        var fetch = Self.fetch(4 * FileChunk.limit)
        _ = fetch.request()
        _ = fetch.take(Self.chunk(0, 100), at: Self.now)
        #expect(!fetch.isStuck(at: Self.now.advanced(by: .seconds(4))))
        #expect(fetch.isStuck(at: Self.now.advanced(by: .seconds(5))))
        fetch.restart(at: Self.now.advanced(by: .seconds(5)))
        #expect(fetch.request() == .init(offset: 100, bytes: 4 * FileChunk.limit - 100))
    }

    @Test(arguments: [
        ("", "a"), ("/etc/passwd", "a"), ("a/../../b", "a"), ("a//b", "a"), ("./a", "a"), ("a", "A"), ("a", "short"),
    ])
    func pathsAndHashesAreChecked(_ path: String, _ digit: String) {
        let hash = digit == "short" ? "abc" : String(repeating: digit, count: 64)
        #expect(RunDirectory.problem([.init(path: path, executable: false, bytes: 1, hash: hash)]) != nil)
    }

    @Test func aPathComesOnce() {
        let file = RunnerLaunch.File(path: "a/b", executable: false, bytes: 1, hash: Self.hash)
        #expect(RunDirectory.problem([file]) == nil)
        #expect(RunDirectory.problem([file, file])?.contains("twice") == true)
    }

    @Test func aRunDoesNotWriteIntoTheCache() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "loads-files-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cache = try FileCache(directory: "\(folder)/files")
        let bytes = Array("hello".utf8)
        let file = RunnerLaunch.File(
            path: "deep/er/a.txt", executable: false, bytes: 5, hash: SHA256.hexadecimal(of: bytes))
        let draft = try cache.draft(file.hash)
        try draft.append(bytes)
        #expect(try cache.keep(draft, as: file))
        #expect(cache.has(file))
        let run = try RunDirectory.make("\(folder)/run", [file], from: cache)
        try Data("changed".utf8).write(to: URL(filePath: "\(run.path)/deep/er/a.txt"))
        #expect(try String(contentsOfFile: cache.path(file.hash), encoding: .utf8) == "hello")
    }

    @Test func thisMachineSaysWhatItsLibraryIs() {
        #expect(Platform.current.library.hasPrefix("glibc 2."))
    }

    @Test(
        arguments: [
            ("glibc 2.36", nil), ("glibc 2.4", nil), ("glibc 2.37", "glibc 2.37"), ("glibc 3.0", "glibc 3.0"),
            ("musl 1.2", "musl"),
        ] as [(String, String?)])
    func anOlderLibraryRunsOnANewerOne(_ needed: String, _ obstacle: String?) {
        let own = Platform(system: "linux", architecture: "x86_64", library: "glibc 2.36")
        let words = own.obstacle(to: Platform(system: "linux", architecture: "x86_64", library: needed))
        if let obstacle { #expect(words?.contains(obstacle) == true) } else { #expect(words == nil) }
    }
}

@Suite struct HostMeterTests {
    @Test func busyTicksLeaveOutWhatIsIdle() {
        #expect(HostMeter.busyTicks("cpu  10 20 30 4000 500 6 7 8 9 10\ncpu0 1 1\n") == 81)
        #expect(HostMeter.busyTicks("cpu  10 20 30 4000 500 6 7\n") == 73)
        #expect(HostMeter.busyTicks("nonsense") == nil)
    }

    @Test func loopbackIsNoNetwork() {
        let text = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0
              eth0: 100 1 0 0 0 0 0 0 30 1 0 0 0 0 0 0
              eth1:  11 1 0 0 0 0 0 0  4 1 0 0 0 0 0 0
            """
        #expect(HostMeter.networkBytes(text) == (111, 34))
    }

    @Test func aProcessMayBearAnyName() {
        let text = "7 (a) b (c)) S 1 7 7 0 -1 4194304 1 2 3 4 11 22 33 44 20 0 1 0 100 1000 55 18446744073709551615"
        #expect(HostMeter.processFields(text)?.ticks == 110)
        #expect(HostMeter.processFields(text)?.pages == 55)
    }
}

import LoadsWire
import TestSupport
import Testing

@testable import LoadsMaster

@Suite struct FileStoreTests {
    private func file(_ name: String, _ content: [UInt8]) -> RunnerLaunch.File {
        RunnerLaunch.File(
            path: name, executable: false, bytes: content.count, hash: SHA256.hexadecimal(of: content))
    }

    private let content = [UInt8](repeating: 1, count: 1_000)
    private let other = [UInt8](repeating: 2, count: 1_000)

    /// After a power cut a name may be there whose content is not.
    @Test(arguments: [0, 10, 2_000]) func aFileOfAnotherSizeIsNoneAndComesAnew(_ size: Int) throws {
        let directory = try TemporaryDirectory()
        let wanted = file("a", content)
        _ = try directory.write(String(repeating: "x", count: size), to: wanted.hash)
        var files = FileStore(directory: directory.path, limit: 1_500)
        #expect(!files.has(wanted))
        try files.check([wanted])
        #expect(files.size(wanted.hash) == nil)
        try files.makeRoom(for: [wanted], inUse: [])
        files.expect(wanted)
        #expect(try files.upload(FileChunk(hash: wanted.hash, offset: 0, bytes: content)) == (1_000, true))
        #expect(files.has(wanted) && files.read(wanted.hash, offset: 0, bytes: 1_000) == content)
        // Found again by the next master.
        #expect(FileStore(directory: directory.path, limit: 1_500).has(wanted))
    }

    @Test func nobodyTakesAFileAwayFromARunByAnnouncingAnotherSize() throws {
        let directory = try TemporaryDirectory()
        var files = FileStore(directory: directory.path, limit: 1_500)
        let right = file("a", content)
        files.expect(right)
        _ = try files.upload(FileChunk(hash: right.hash, offset: 0, bytes: content))
        let wrong = RunnerLaunch.File(path: "b", executable: false, bytes: 7, hash: right.hash)
        #expect(throws: WireFault.self) { try files.check([wrong], inUse: [right.hash: 1_000]) }
        #expect(files.has(right))
    }

    @Test func aContentOfTwoNamesNeedsItsRoomOnce() throws {
        let directory = try TemporaryDirectory()
        var files = FileStore(directory: directory.path, limit: 1_500)
        let two = [file("a", content), file("b", content)]
        #expect(throws: Never.self) { try files.makeRoom(for: two, inUse: []) }
        for file in two { files.expect(file) }
        // The next run waits for the same.
        #expect(throws: Never.self) { try files.makeRoom(for: two, inUse: []) }
        #expect(throws: WireFault.self) { try files.makeRoom(for: [file("c", other)], inUse: []) }
    }

    @Test func whatNobodyWaitsForAnyMoreTakesNoRoom() throws {
        let directory = try TemporaryDirectory()
        var files = FileStore(directory: directory.path, limit: 1_500)
        let wanted = file("a", content)
        try files.makeRoom(for: [wanted], inUse: [])
        files.expect(wanted)
        _ = try files.upload(FileChunk(hash: wanted.hash, offset: 0, bytes: Array(content.prefix(10))))
        files.expectOnly([wanted.hash])
        #expect(throws: WireFault.self) { try files.makeRoom(for: [file("c", other)], inUse: []) }
        files.expectOnly([])
        #expect(throws: Never.self) { try files.makeRoom(for: [file("c", other)], inUse: []) }
        // It begins anew when another run wants it.
        #expect(throws: WireFault.self) {
            try files.upload(FileChunk(hash: wanted.hash, offset: 10, bytes: Array(content.dropFirst(10))))
        }
        files.expect(wanted)
        #expect(
            try files.upload(FileChunk(hash: wanted.hash, offset: 10, bytes: Array(content.dropFirst(10)))) == (
                0, false
            ))
    }
}

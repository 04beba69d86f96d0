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

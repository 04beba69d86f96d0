import Foundation
import LoadsWire
import Testing

/// The recorded messages that runners, agents and watchers in other languages are checked against: bytes beside the same map as JSON.
///
/// `LOADS_RECORD_VECTORS=1 swift test --filter VectorTests` writes them anew, after a deliberate change of the protocol.
@Suite struct VectorTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
    private static let recording = ProcessInfo.processInfo.environment["LOADS_RECORD_VECTORS"] != nil

    @Test(arguments: Sample.all) func messagesAreTheRecordedBytes(_ sample: Sample) throws {
        let recorded = try Self.vector(sample.name, sample.bytes)
        #expect(sample.bytes == recorded)
        #expect(try sample.survives(recorded))
    }

    @Test func everyVectorIsChecked() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.directory.path)
        #expect(Set(files) == Set(Sample.all.flatMap { ["\($0.name).msgpack", "\($0.name).json"] }))
    }

    /// The recorded bytes; the JSON beside them must say the same and pack to the same bytes.
    private static func vector(_ name: String, _ bytes: [UInt8]) throws -> [UInt8] {
        let (packed, text) = (directory.appending(path: "\(name).msgpack"), directory.appending(path: "\(name).json"))
        if recording {
            try Data(bytes).write(to: packed)
            try Data(Value(unpacking: bytes).json().utf8).write(to: text)
        }
        let recorded = [UInt8](try Data(contentsOf: packed))
        let value = try Value(unpacking: recorded)
        #expect(value.json() == String(decoding: try Data(contentsOf: text), as: UTF8.self))
        #expect(value.packed() == recorded)
        return recorded
    }
}

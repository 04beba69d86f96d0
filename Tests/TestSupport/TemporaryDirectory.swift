import Foundation
import Glibc

/// A directory of its own under the system's temporary one, deleted when the last reference goes or the run ends.
public final class TemporaryDirectory: Sendable {
    public let path: String

    public init(prefix: String = "test") throws {
        var template = Array("\(NSTemporaryDirectory())/loads-\(prefix)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SupportError("no temporary directory: \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        Watchdog.made(directory: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    @discardableResult
    public func write(_ text: String, to name: String) throws -> String {
        let file = path + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }
}

import Synchronization

/// The texts under which failures are grouped, made once for each place: a failing expectation in a fast loop must not
/// build strings.
final class Places: Sendable {
    static let shared = Places()

    private struct Source: Hashable {
        var file: String
        var line: Int
    }

    private let sources = Mutex<[Source: String]>([:])

    /// `Module/File.swift` or a path, and a line, as `File.swift:12`.
    func source(_ file: String, _ line: Int) -> String {
        sources.withLock { sources in
            let source = Source(file: file, line: line)
            if let text = sources[source] { return text }
            let text = "\(file.split(separator: "/").last ?? "?"):\(line)"
            sources[source] = text
            return text
        }
    }
}

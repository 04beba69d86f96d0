import LoadsEventLoop
import LoadsWire

/// Fetches one file in chunks, on credit: so much is asked for ahead, and more with each chunk that comes, so that
/// beats and commands are never behind more than that.
///
/// A pure structure: chunks come in, requests go out. The writing is the caller's.
struct FileFetch {
    let file: RunnerLaunch.File
    /// Bytes that have come.
    private(set) var received = 0
    private var asked = 0
    private var progress: Instant

    /// Bytes asked for and not come, at most.
    static let credit = FileChunk.credit
    /// After so long without a chunk it is asked again.
    static let patience = Duration.seconds(5)

    struct Request: Equatable {
        var offset: Int
        var bytes: Int
    }

    init(_ file: RunnerLaunch.File, at now: Instant) {
        self.file = file
        progress = now
    }

    var isComplete: Bool { received == file.bytes }

    /// What is to be asked for now, if anything.
    mutating func request() -> Request? {
        let end = min(file.bytes, received + Self.credit)
        // In whole chunks, but for the last: many small requests would be as dear as the chunks.
        guard end > asked, end - asked >= FileChunk.limit || end == file.bytes else { return nil }
        defer { asked = end }
        return Request(offset: asked, bytes: end - asked)
    }

    /// Takes a chunk.
    ///
    /// - Returns: Whether it is the next one, to be written; others were asked for before a cut and come again.
    mutating func take(_ chunk: FileChunk, at now: Instant) -> Bool {
        guard chunk.hash == file.hash, chunk.offset == received, !chunk.bytes.isEmpty,
            received + chunk.bytes.count <= file.bytes
        else { return false }
        received += chunk.bytes.count
        asked = max(asked, received)
        progress = now
        return true
    }

    /// What was asked for will not come: the connection is new, or nothing has come for long.
    mutating func restart(at now: Instant) {
        asked = received
        progress = now
    }

    func isStuck(at now: Instant) -> Bool { now >= progress.advanced(by: Self.patience) }
}

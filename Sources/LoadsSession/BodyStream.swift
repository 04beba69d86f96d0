/// A request's body that is made while it is sent: chunks of bytes from an asynchronous sequence.
///
/// A chunk is asked for when the connection can take more, so a slow server slows the sequence down. It is read once:
/// a redirect that would need it again is an error.
public struct BodyStream: Sendable {
    let length: Int?
    let next: @Sendable () async throws -> [UInt8]?

    /// - Parameters:
    ///   - chunks: The bytes, in pieces of any size.
    ///   - length: How many bytes in all; nil sends them chunked.
    public init<Chunks: AsyncSequence & Sendable>(_ chunks: Chunks, length: Int? = nil)
    where Chunks.Element == [UInt8] {
        self.length = length
        let source = Source(chunks)
        next = { try await source.next() }
    }

    private final class Source<Chunks: AsyncSequence>: @unchecked Sendable where Chunks.Element == [UInt8] {
        // @unchecked: an engine asks for one chunk at a time, so the iterator is never used by two tasks at once.
        var iterator: Chunks.AsyncIterator
        init(_ chunks: Chunks) { iterator = chunks.makeAsyncIterator() }
        func next() async throws -> [UInt8]? { try await iterator.next() }
    }
}

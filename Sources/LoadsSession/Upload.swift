internal import LoadsEventLoop

/// A request's body that is fetched while it is sent: bytes, or chunks that are made on the way. On the engine's
/// loop only.
final class Upload: @unchecked Sendable {
    // @unchecked: confined to the loop's thread: what its one task finds is brought back there.

    /// The source gave other than it promised.
    struct WrongLength: Error, CustomStringConvertible {
        var promised: Int
        var given: Int
        var description: String { "it has \(given) bytes, its length was given as \(promised)" }
    }

    /// In bytes; nil sends it chunked.
    let length: Int?
    /// Why the body could not be made.
    private(set) var failure: (any Error)?
    private weak var transfer: (any StreamingTransfer)?
    private let loop: EventLoop
    private let generation: Int
    /// Makes the next chunk; nil when all bytes are there.
    private let makeChunk: (@Sendable () async throws -> [UInt8]?)?
    private var chunk: [UInt8] = []
    private var offset = 0
    private var given = 0
    private var ended = false
    private var task: Task<Void, Never>?

    init(
        of transfer: any StreamingTransfer, loop: EventLoop, length: Int?,
        next: @escaping @Sendable () async throws -> [UInt8]?
    ) {
        self.transfer = transfer
        self.length = length
        self.loop = loop
        generation = transfer.generation
        makeChunk = next
    }

    init(of transfer: any StreamingTransfer, loop: EventLoop, bytes: [UInt8]) {
        self.transfer = transfer
        length = bytes.count
        self.loop = loop
        generation = transfer.generation
        makeChunk = nil
        chunk = bytes
        ended = true
    }

    /// Whether there is more to send.
    var isUnderWay: Bool { !ended || offset < chunk.count }

    /// What comes next.
    enum Filling {
        /// So many bytes were put into the space.
        case bytes(Int)
        /// Nothing is there yet: ``request()`` asks for it.
        case nothingYet
        case end
        /// The body cannot be made: see ``failure``.
        case broken
    }

    /// Puts the next bytes into a space.
    func fill(_ space: UnsafeMutableRawBufferPointer) -> Filling {
        if failure != nil { return .broken }
        if offset < chunk.count {
            let count = min(space.count, chunk.count - offset)
            chunk.withUnsafeBytes {
                space.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
            }
            offset += count
            return .bytes(count)
        }
        return ended ? .end : .nothingYet
    }

    /// Goes back to the start, when the request has to be sent once more. Chunks that are gone cannot come back.
    func rewind(to position: Int) -> Bool {
        guard makeChunk == nil else { return position == 0 && given == 0 }
        guard 0...chunk.count ~= position else { return false }
        offset = position
        return true
    }

    /// Asks for the next chunk, and resumes the transfer when it is there.
    func request() {
        guard let makeChunk, task == nil, !ended, failure == nil, offset >= chunk.count else { return }
        let loop = loop
        task = Task(executorPreference: loop) { [self] in
            let result: Result<[UInt8]?, any Error>
            do {
                var next = try await makeChunk()
                // An empty chunk would look like the end.
                while let bytes = next, bytes.isEmpty { next = try await makeChunk() }
                result = .success(next)
            } catch {
                result = .failure(error)
            }
            if loop.isOnLoop { arrived(result) } else { loop.submit { self.arrived(result) } }
        }
    }

    /// Nobody wants the rest.
    func cancel() {
        task?.cancel()
        task = nil
    }

    private func arrived(_ result: Result<[UInt8]?, any Error>) {
        task = nil
        switch result {
        case .success(let bytes?):
            chunk = bytes
            offset = 0
            given += bytes.count
            if let length, given > length { failure = WrongLength(promised: length, given: given) }
        case .success(nil):
            ended = true
            chunk = []
            offset = 0
            // The server would be left waiting for the rest.
            if let length, given != length { failure = WrongLength(promised: length, given: given) }
        case .failure(let error): failure = error
        }
        if let transfer, transfer.generation == generation { transfer.sendMore() }
    }
}

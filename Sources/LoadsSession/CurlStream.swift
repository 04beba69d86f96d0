internal import CCurl
internal import LoadsCore
internal import LoadsEventLoop

/// A response's body on its way: chunks wait here until they are asked for; when enough wait, the transfer is paused.
/// On the engine's loop only.
final class CurlStream: @unchecked Sendable {
    // @unchecked: confined to the loop's thread; the handle hops to it.
    let engine: CurlEngine
    private weak var transfer: CurlTransfer?
    private let generation: Int
    private var chunks: [[UInt8]] = []
    private var waiting = 0
    private var paused = false
    private var ended = false
    private var failure: SessionError?
    private var reader: UnsafeContinuation<Result<[UInt8]?, SessionError>, Never>?
    private var last: (Phases, Int)?

    /// Bytes that may wait before the transfer is paused.
    private static let limit = 64 * 1024

    init(engine: CurlEngine, transfer: CurlTransfer, generation: Int) {
        self.engine = engine
        self.transfer = transfer
        self.generation = generation
    }

    /// Takes what arrived. Returns false to pause: libcurl keeps the bytes and offers them again.
    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if waiting >= Self.limit {
            paused = true
            return false
        }
        if let reader {
            self.reader = nil
            reader.resume(returning: .success(Array(bytes)))
            return true
        }
        chunks.append(Array(bytes))
        waiting += bytes.count
        return true
    }

    func end(_ error: SessionError?) {
        if let transfer, transfer.generation == generation { last = (transfer.phases(end: .now), transfer.received) }
        ended = true
        failure = error
        if let reader {
            self.reader = nil
            if let error { reader.resume(returning: .failure(error)) } else { reader.resume(returning: .success(nil)) }
        }
    }

    func next(_ continuation: UnsafeContinuation<Result<[UInt8]?, SessionError>, Never>) {
        if !chunks.isEmpty {
            let chunk = chunks.removeFirst()
            waiting -= chunk.count
            continuation.resume(returning: .success(chunk))
            resumeIfDrained()
            return
        }
        if let failure {
            continuation.resume(returning: .failure(failure))
        } else if ended {
            continuation.resume(returning: .success(nil))
        } else {
            reader = continuation
            resumeIfDrained()
        }
    }

    private func resumeIfDrained() {
        guard paused, waiting < Self.limit / 2, let transfer, transfer.generation == generation else { return }
        paused = false
        engine.unpause(transfer)
    }

    /// Gives up the rest: the transfer is aborted and its connection closed.
    func cancel() {
        guard !ended, let transfer, transfer.generation == generation else { return }
        engine.abort(transfer, CurlTransfer.cancelled(transfer.url))
    }

    var progress: (phases: Phases, bytesReceived: Int) {
        if let last { return last }
        guard let transfer, transfer.generation == generation else { return (Phases(), 0) }
        return (transfer.phases(end: .now), transfer.received)
    }
}

/// The caller's end of a stream, from any task. Dropping it aborts the transfer.
final class CurlStreamHandle: ExchangeStream {
    private let stream: CurlStream

    init(_ stream: CurlStream) { self.stream = stream }

    deinit {
        let stream = stream
        stream.engine.loop.submit { stream.cancel() }
    }

    func next() async throws(SessionError) -> [UInt8]? {
        let loop = stream.engine.loop
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if loop.isOnLoop {
                    stream.next(continuation)
                } else {
                    loop.submit { self.stream.next(continuation) }
                }
            }
        } onCancel: {
            loop.submit { self.stream.cancel() }
        }
        return try result.get()
    }

    var progress: (phases: Phases, bytesReceived: Int) {
        get async {
            let loop = stream.engine.loop
            if loop.isOnLoop { return stream.progress }
            return await withUnsafeContinuation { continuation in
                loop.submit { continuation.resume(returning: self.stream.progress) }
            }
        }
    }
}

/// A request's body that is made while it is sent. On the engine's loop only.
final class CurlUpload: @unchecked Sendable {
    // @unchecked: confined to the loop's thread: its one task runs on the loop.
    private weak var transfer: CurlTransfer?
    private let engine: CurlEngine
    private let generation: Int
    private let nextChunk: @Sendable () async throws -> [UInt8]?
    private var chunk: [UInt8] = []
    private var offset = 0
    private var ended = false
    private var asking = false
    private(set) var failure: (any Error)?

    init(transfer: CurlTransfer, next: @escaping @Sendable () async throws -> [UInt8]?) {
        self.transfer = transfer
        engine = transfer.engine
        generation = transfer.generation
        nextChunk = next
    }

    /// Hands libcurl the next bytes: a count, 0 at the end, or one of its signals to pause or to give up.
    func fill(_ space: UnsafeMutableRawBufferPointer) -> Int {
        if failure != nil { return Int(CURL_READFUNC_ABORT) }
        if offset < chunk.count {
            let count = min(space.count, chunk.count - offset)
            chunk.withUnsafeBytes { space.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count])) }
            offset += count
            return count
        }
        return ended ? 0 : Int(CURL_READFUNC_PAUSE)
    }

    /// Asks for the next chunk, and resumes the transfer when it is there.
    func request() {
        guard !asking, !ended, failure == nil, offset >= chunk.count else { return }
        asking = true
        Task(executorPreference: engine.loop) { [self] in
            do {
                var next = try await nextChunk()
                while let bytes = next, bytes.isEmpty { next = try await nextChunk() }
                let chunk = next
                engine.loop.submit { self.arrived(chunk, nil) }
            } catch {
                engine.loop.submit { self.arrived(nil, error) }
            }
        }
    }

    private func arrived(_ bytes: [UInt8]?, _ error: (any Error)?) {
        asking = false
        failure = error
        if let bytes {
            chunk = bytes
            offset = 0
        } else {
            ended = true
        }
        if let transfer, transfer.generation == generation { engine.unpause(transfer) }
    }
}

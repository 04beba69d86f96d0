internal import CCurl
internal import LoadsCore
internal import LoadsEventLoop

/// A response's body on its way: chunks wait here until they are asked for; when enough wait, the transfer is paused.
/// On the engine's loop only.
final class CurlStream: @unchecked Sendable {
    // @unchecked: confined to the loop's thread; the handle hops to it.
    let engine: CurlEngine
    let url: String
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
        url = transfer.url
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
                } else if !loop.submit({ self.stream.next(continuation) }) {
                    continuation.resume(returning: .failure(CurlTransfer.cancelled(stream.url)))
                }
            }
        } onCancel: {
            loop.submit { self.stream.cancel() }
        }
        return try result.get()
    }

    var progressNow: (phases: Phases, bytesReceived: Int)? {
        stream.engine.loop.isOnLoop ? stream.progress : nil
    }

    var progress: (phases: Phases, bytesReceived: Int) {
        get async {
            let loop = stream.engine.loop
            if loop.isOnLoop { return stream.progress }
            return await withUnsafeContinuation { continuation in
                if !loop.submit({ continuation.resume(returning: self.stream.progress) }) {
                    continuation.resume(returning: (Phases(), 0))
                }
            }
        }
    }
}

internal import LoadsCore
internal import LoadsEventLoop

/// What a streamed body needs of the transfer that it comes from or goes to. On the engine's loop only.
protocol StreamingTransfer: AnyObject {
    /// Changes with each exchange that the object carries out.
    var generation: Int { get }
    var url: String { get }
    /// Bytes of the response so far.
    var received: Int { get }
    func phases(end: Instant) -> Phases
    /// Goes on receiving after bytes were not taken.
    func receiveMore()
    /// Goes on sending: the next bytes of the request, or what became of them, are there.
    func sendMore()
    /// Ends the transfer and closes its connection.
    func giveUp(_ error: SessionError)
}

/// A response's body on its way: chunks wait here until they are asked for; when enough wait, the transfer is paused.
/// On the engine's loop only.
final class InboundStream: @unchecked Sendable {
    // @unchecked: confined to the loop's thread; the handle hops to it.
    let loop: EventLoop
    let url: String
    private weak var transfer: (any StreamingTransfer)?
    private let generation: Int
    /// The engine: its connections have to stay while somebody reads.
    private let owner: AnyObject
    private var chunks: [[UInt8]] = []
    private var waiting = 0
    private var paused = false
    private var ended = false
    private var failure: SessionError?
    private var reader: UnsafeContinuation<Result<[UInt8]?, SessionError>, Never>?
    private var last: (Phases, Int)?

    /// Bytes that may wait before the transfer is paused.
    private static let limit = 64 * 1024

    init(of transfer: any StreamingTransfer, loop: EventLoop, owner: AnyObject) {
        self.loop = loop
        self.owner = owner
        self.transfer = transfer
        generation = transfer.generation
        url = transfer.url
    }

    /// Takes what arrived. Returns false when the bytes are not wanted now: the engine keeps them and offers them again
    /// after ``StreamingTransfer/receiveMore()``.
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
        transfer.receiveMore()
    }

    /// Gives up the rest: the transfer is aborted and its connection closed.
    func cancel() {
        guard !ended, let transfer, transfer.generation == generation else { return }
        transfer.giveUp(.cancelled(transfer.url))
    }

    var progress: (phases: Phases, bytesReceived: Int) {
        if let last { return last }
        guard let transfer, transfer.generation == generation else { return (Phases(), 0) }
        return (transfer.phases(end: .now), transfer.received)
    }
}

/// The caller's end of a stream, from any task. Dropping it aborts the transfer.
final class InboundStreamHandle: ExchangeStream {
    private let stream: InboundStream

    init(_ stream: InboundStream) { self.stream = stream }

    deinit {
        let stream = stream
        stream.loop.submit { stream.cancel() }
    }

    func next() async throws(SessionError) -> [UInt8]? {
        let loop = stream.loop
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if loop.isOnLoop {
                    stream.next(continuation)
                } else if !loop.submit({ self.stream.next(continuation) }) {
                    continuation.resume(returning: .failure(.cancelled(stream.url)))
                }
            }
        } onCancel: {
            loop.submit { self.stream.cancel() }
        }
        return try result.get()
    }

    var progressNow: (phases: Phases, bytesReceived: Int)? {
        stream.loop.isOnLoop ? stream.progress : nil
    }

    var progress: (phases: Phases, bytesReceived: Int) {
        get async {
            let loop = stream.loop
            if loop.isOnLoop { return stream.progress }
            return await withUnsafeContinuation { continuation in
                if !loop.submit({ continuation.resume(returning: self.stream.progress) }) {
                    continuation.resume(returning: (Phases(), 0))
                }
            }
        }
    }
}

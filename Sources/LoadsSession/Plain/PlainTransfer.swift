internal import Glibc
internal import LoadsCore
internal import LoadsEventLoop

/// One exchange over a plain connection, from its start to its result; used again for the engine's next one. On the
/// engine's loop only.
final class PlainTransfer: StreamingTransfer, @unchecked Sendable {
    // @unchecked: confined to the loop's thread; others only pass the reference along.
    unowned let engine: PlainEngine
    var continuation: UnsafeContinuation<Result<ExchangeResult, SessionError>, Never>?
    /// Counts the exchanges, so that a late cancel cannot hit the next one.
    private(set) var generation = 0
    /// Where the engine keeps it while it is active; -1 otherwise.
    var place = -1
    var connection: PlainConnection?
    private(set) var request: PlainRequest!
    private(set) var url = ""
    private(set) var deadline = Instant.distantFuture
    private var receive = ReceiveMode.discard

    // Connecting.
    var connectTimeout = Duration.zero
    /// Who is still to be tried.
    var addresses: ArraySlice<SocketAddress> = []
    var connectStarted: Instant?
    /// When the present attempt is given up.
    var attemptEnds = Instant.distantFuture
    var connectTime: Int64 = 0

    // Sending.
    private var requestBody = ExchangeBody.none
    private(set) var upload: Upload?
    /// What goes out now, and how much of it has.
    var out: [UInt8] = []
    var outOffset = 0
    /// Goes out after that.
    private(set) var bodyToSend: [UInt8]?
    var isSent = false
    /// The system's buffer is full.
    var waitsToSend = false
    /// The end of a chunked body is on its way.
    var lastChunkIsSent = false
    /// The rest of the request is not wanted, or cannot be sent.
    var stoppedSending = false
    var bytesSent = 0
    var sent = Instant(nanoseconds: 0)

    // Receiving.
    private var start = Instant(nanoseconds: 0)
    private var dns: Int64 = 0
    private var firstByte: Instant?
    var received = 0
    /// Bytes of the present attempt: what a server has begun to answer is not sent again.
    var receivedNow = 0
    /// The response is complete, while the request is still on its way; whether its connection may be kept.
    var answer: Bool?
    private var body: [UInt8] = []
    private(set) var stream: InboundStream?
    /// What a streamed response's reader did not want yet: a part of the body, and what came after it.
    var held: (body: [UInt8], rest: [UInt8])?

    init(engine: PlainEngine) { self.engine = engine }

    /// Readies it for an exchange.
    func prepare(_ exchange: Exchange, _ request: PlainRequest, start: Instant, dns: Int64) {
        generation += 1
        self.request = request
        url = exchange.url
        deadline = exchange.deadline
        receive = exchange.receive
        connectTimeout = exchange.connection.connectTimeout
        requestBody = exchange.body
        self.start = start
        self.dns = dns
        sent = start
        if case .stream(let length, let next) = exchange.body, !request.isHead {
            upload = Upload(of: self, loop: engine.loop, length: length, next: next)
        }
    }

    /// Puts the request at its beginning, for the first attempt or another one.
    func rewind() {
        outOffset = 0
        isSent = false
        waitsToSend = false
        lastChunkIsSent = false
        stoppedSending = false
        receivedNow = 0
        bodyToSend = nil
        if request.isHead {
            out = request.whole
            return
        }
        switch requestBody {
        case .none: out = request.whole
        case .bytes(let bytes):
            out = head("Content-Length: \(bytes.count)")
            // One write for both while a copy is cheap.
            if bytes.count <= Self.joinedBodyLimit { out += bytes } else { bodyToSend = bytes }
        case .stream(let length, _):
            out = head(length.map { "Content-Length: \($0)" } ?? "Transfer-Encoding: chunked")
        }
    }

    private func head(_ field: String) -> [UInt8] {
        var head = request.head
        head += field.utf8
        head += "\r\n\r\n".utf8
        return head
    }

    private static let joinedBodyLimit = 32 * 1024

    /// Whether the request can go out once more: chunks that are gone cannot come back.
    var canBeSentAgain: Bool { upload?.rewind(to: 0) != false && !(stoppedSending && upload != nil) }

    func takeBodyToSend() -> [UInt8]? {
        defer { bodyToSend = nil }
        return bodyToSend
    }

    // MARK: Receiving

    /// Notes that bytes came.
    func noteReceived(_ count: Int) {
        received += count
        receivedNow += count
        if firstByte == nil { firstByte = .now }
    }

    /// A 1xx answer does not end the wait.
    func forgetFirstByte() { firstByte = nil }

    /// Takes the final head. Returns why the exchange has to end here, if it has to.
    func takeHead(_ parser: inout ResponseParser) -> SessionError? {
        if firstByte == nil { firstByte = .now }
        switch receive {
        case .whole(let limit):
            if let length = parser.length, length > limit { return tooLarge }
        case .stream:
            let stream = InboundStream(of: self, loop: engine.loop, owner: engine)
            self.stream = stream
            var result = result(&parser)
            result.stream = InboundStreamHandle(stream)
            let continuation = continuation
            self.continuation = nil
            continuation?.resume(returning: .success(result))
        case .discard: break
        }
        return nil
    }

    /// What became of a part of the body.
    enum Taking { case taken, refused, tooLarge }

    func take(_ bytes: UnsafeRawBufferPointer, length: Int?) -> Taking {
        switch receive {
        case .discard: return .taken
        case .stream: return stream?.take(bytes) == false ? .refused : .taken
        case .whole(let limit):
            if bytes.count > limit - body.count { return .tooLarge }
            if body.isEmpty {
                if length == bytes.count {
                    body = Array(bytes)
                    return .taken
                }
                // What the server promises is believed up to a point.
                body.reserveCapacity(min(length ?? 0, limit, 1 << 20))
            }
            body.append(contentsOf: bytes)
            return .taken
        }
    }

    var tooLarge: SessionError {
        SessionError(
            code: .bodyTooLarge,
            message: "\(url): the body is larger than the session takes: raise its limit or stream it", url: url)
    }

    func result(_ parser: inout ResponseParser) -> ExchangeResult {
        var body: [UInt8] = []
        swap(&body, &self.body)
        return ExchangeResult(
            status: parser.status, version: parser.minorVersion == 0 ? "HTTP/1.0" : "HTTP/1.1",
            head: parser.takeHead(), body: body, stream: nil, phases: phases(end: .now), bytesSent: bytesSent,
            bytesReceived: received, requests: 1)
    }

    /// Where the time went. What an exchange that failed was about to do has all the rest of its time.
    func phases(end: Instant) -> Phases {
        var phases = Phases()
        phases.dns = dns
        phases.connect = connectTime
        if let began = connectStarted {
            phases.connect += max(0, end.nanoseconds(since: began))
            return phases
        }
        let reached = start.nanoseconds + dns + connectTime
        let first = max(reached, (firstByte ?? end).nanoseconds)
        let out = isSent || stoppedSending ? min(max(sent.nanoseconds, reached), first) : first
        phases.send = out - reached
        phases.wait = first - out
        phases.receive = max(0, end.nanoseconds - first)
        return phases
    }

    /// The error with what the exchange has cost so far.
    func withCost(_ error: SessionError) -> SessionError {
        var error = error
        error.cost = ExchangeCost(phases: phases(end: .now), bytesSent: bytesSent, bytesReceived: received)
        return error
    }

    // MARK: Ending

    /// What a passed deadline means.
    func late(_ now: Instant) -> SessionError {
        PlainFailure.late(now.nanoseconds(since: start) / 1_000_000, received: received, url)
    }

    /// Resumes the caller. Harmless when it has been resumed.
    func finish(_ result: Result<ExchangeResult, SessionError>) {
        upload?.cancel()
        if let stream {
            if case .failure(let error) = result { stream.end(error) } else { stream.end(nil) }
        }
        guard let continuation else { return }
        self.continuation = nil
        continuation.resume(returning: result)
    }

    /// Prepares for the next exchange; what is large is given back.
    func reset() {
        generation += 1
        connection = nil
        if !addresses.isEmpty { addresses = [] }
        connectStarted = nil
        connectTime = 0
        requestBody = .none
        upload = nil
        if !out.isEmpty { out = [] }
        bodyToSend = nil
        bytesSent = 0
        received = 0
        firstByte = nil
        answer = nil
        if !body.isEmpty { body = [] }
        stream = nil
        held = nil
    }

    // MARK: StreamingTransfer

    func receiveMore() { connection?.receiveHeld() }

    func sendMore() {
        if stoppedSending { return }
        if let failure = upload?.failure {
            engine.abort(
                self,
                SessionError(
                    code: .body,
                    message: "\(url): the request's body could not be made (\(failure)): check its source", url: url,
                    cause: failure))
            return
        }
        connection?.send()
    }

    func giveUp(_ error: SessionError) { engine.abort(self, error) }
}

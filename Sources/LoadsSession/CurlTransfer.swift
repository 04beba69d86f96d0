internal import CCurl
internal import Glibc
internal import LoadsCore
internal import LoadsEventLoop

/// One easy handle and the exchange it carries out; used again for the engine's next one. On the engine's loop only.
final class CurlTransfer: StreamingTransfer, @unchecked Sendable {
    // @unchecked: confined to the loop's thread; others only pass the reference along.
    let easy: UnsafeMutableRawPointer
    unowned let engine: CurlEngine
    var continuation: UnsafeContinuation<Result<ExchangeResult, SessionError>, Never>?
    /// Counts the exchanges, so that a late cancel cannot hit the next one.
    private(set) var generation = 0
    /// Where the engine keeps it while it is active; -1 otherwise.
    var place = -1
    /// What the handle is set to, so that equal options are not set again.
    var settings = CurlSettings()
    let errorBuffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    // The exchange.
    private var start = Instant(nanoseconds: 0)
    private var dns: Int64 = 0
    private var sent = Instant(nanoseconds: 0)
    private var firstByte: Instant?
    private var deadline = Instant.distantFuture
    /// The last head: a 1xx, or a challenge that libcurl answers, comes before it.
    private var head: [UInt8] = []
    private var heads = 0
    private var headEnded = false
    private var receive = ReceiveMode.discard
    private var body: [UInt8] = []
    private var tooLarge = false
    var upload: Upload?
    private var stream: InboundStream?
    /// Whether a streamed response was handed over, or is about to be.
    private var isOffered = false

    var url: String { settings.url }

    init(engine: CurlEngine) {
        _ = CurlEngine.globalInit
        self.engine = engine
        easy = curl_easy_init()!
        setUp()
    }

    deinit {
        curl_easy_cleanup(easy)
        settings.free()
        errorBuffer.deallocate()
    }

    /// Readies the handle for an exchange.
    func prepare(_ exchange: Exchange, _ route: CurlRoute, start: Instant, dns: Int64) {
        generation += 1
        self.start = start
        self.dns = dns
        sent = start
        errorBuffer[0] = 0
        receive = exchange.receive
        deadline = exchange.deadline
        apply(exchange, route)
    }

    /// Called when the first of the request has been handed to the system, unless the connection is still to be made.
    /// A response that is there already tells that the sending took no time.
    func noteSent() { if place >= 0 && upload == nil && firstByte == nil { sent = .now } }

    // MARK: Ending

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
        head.removeAll(keepingCapacity: true)
        heads = 0
        headEnded = false
        if !body.isEmpty { body = [] }
        firstByte = nil
        tooLarge = false
        upload = nil
        stream = nil
        isOffered = false
    }

    /// What came of the transfer.
    func complete(_ code: CURLcode) -> Result<ExchangeResult, SessionError> {
        guard code == CURLE_OK && headEnded else { return .failure(withCost(error(code))) }
        var result = result()
        if case .stream = receive, !isOffered {
            // A challenge that libcurl had no answer to, without a body.
            result.stream = InboundStreamHandle(stream ?? makeStream())
        }
        return .success(result)
    }

    /// Whether the exchange needed a new connection.
    var madeConnection: Bool { loads_easy_get_long(easy, CURLINFO_NUM_CONNECTS) > 0 }

    private func result() -> ExchangeResult {
        var body: [UInt8] = []
        swap(&body, &self.body)
        return ExchangeResult(
            status: loads_easy_get_long(easy, CURLINFO_RESPONSE_CODE), version: version,
            // A copy of the right size; the room to collect the next one in stays.
            head: head.withUnsafeBytes { Array($0) }, body: body, stream: nil, phases: phases(end: .now),
            bytesSent: given, bytesReceived: received, requests: max(1, heads))
    }

    /// The error with what the exchange has cost so far. While libcurl still knows the transfer.
    func withCost(_ error: SessionError) -> SessionError {
        var error = error
        error.cost = ExchangeCost(
            phases: phases(end: .now), bytesSent: given, bytesReceived: received, requests: max(1, requests))
        return error
    }

    /// Requests that went out, as far as answers tell: the one after an answered challenge is under way.
    private var requests: Int { headEnded || firstByte == nil ? heads : heads + 1 }

    private var version: String {
        switch loads_easy_get_long(easy, CURLINFO_HTTP_VERSION) {
        case Int(CURL_HTTP_VERSION_1_0): "HTTP/1.0"
        case Int(CURL_HTTP_VERSION_2_0): "HTTP/2"
        default: "HTTP/1.1"
        }
    }

    /// Bytes sent so far.
    private var given: Int {
        // libcurl counts a body that it was given whole with the head it is sent with.
        let uploaded = upload == nil ? 0 : Int(loads_easy_get_size(easy, CURLINFO_SIZE_UPLOAD_T))
        return loads_easy_get_long(easy, CURLINFO_REQUEST_SIZE) + uploaded
    }

    var received: Int {
        loads_easy_get_long(easy, CURLINFO_HEADER_SIZE) + Int(loads_easy_get_size(easy, CURLINFO_SIZE_DOWNLOAD_T))
    }

    /// Where the time went, by our own clock where we see what happens and by libcurl's (microseconds from its start)
    /// for the steps of a new connection. What an exchange that failed was about to do has all the rest of its time.
    func phases(end: Instant) -> Phases {
        var phases = Phases()
        phases.dns = dns
        var reached = start.nanoseconds + dns
        let first = max(reached, (firstByte ?? end).nanoseconds)
        let began = loads_easy_get_size(easy, CURLINFO_PRETRANSFER_TIME_T) > 0 || firstByte != nil
        if madeConnection || !began {
            let looked = loads_easy_get_size(easy, CURLINFO_NAMELOOKUP_TIME_T)
            let connected = loads_easy_get_size(easy, CURLINFO_CONNECT_TIME_T)
            let secured = loads_easy_get_size(easy, CURLINFO_APPCONNECT_TIME_T)
            // Without a connection, or still in the proxy's hands. With one libcurl notes when it was made only after the
            // handshake, so a handshake that fails has its time.
            if !began, !url.hasPrefix("https") || loads_easy_get_long(easy, CURLINFO_LOCAL_PORT) <= 0 {
                phases.connect = first - reached
                return phases
            }
            phases.connect = min(max(0, Int64(connected - looked) * 1000), first - reached)
            reached += phases.connect
            if secured > 0 { phases.tls = min(max(0, Int64(secured - connected) * 1000), first - reached) }
            reached += phases.tls
            if !began {
                if secured == 0 { phases.tls = first - reached } else { phases.send = first - reached }
                return phases
            }
        }
        let out = upload?.isUnderWay == true ? first : min(max(sent.nanoseconds, reached), first)
        phases.send = out - reached
        phases.wait = first - out
        phases.receive = max(0, end.nanoseconds - first)
        return phases
    }

    func error(_ code: CURLcode) -> SessionError {
        if tooLarge {
            return SessionError(
                code: .bodyTooLarge,
                message: "\(url): the body is larger than the session takes: raise its limit or stream it", url: url)
        }
        if let failure = upload?.failure {
            return SessionError(
                code: .body, message: "\(url): the request's body could not be made (\(failure)): check its source",
                url: url, cause: failure)
        }
        let detail = errorBuffer[0] == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: errorBuffer)
        let circumstances = CurlFailure.Circumstances(
            connecting: loads_easy_get_size(easy, CURLINFO_PRETRANSFER_TIME_T) == 0 && heads == 0
                && Instant.now < deadline,
            hasProxy: settings.hasProxy, proxyStatus: loads_easy_get_long(easy, CURLINFO_HTTP_CONNECTCODE),
            systemError: Int32(clamping: loads_easy_get_long(easy, CURLINFO_OS_ERRNO)))
        let (kind, advice) = CurlFailure.explain(code, detail, circumstances)
        return SessionError(code: kind, message: "\(url): \(detail) (\(advice))", url: url)
    }

    // MARK: StreamingTransfer

    func receiveMore() { engine.unpause(self) }
    func sendMore() { engine.unpause(self) }
    func giveUp(_ error: SessionError) { engine.abort(self, error) }

    // MARK: Callbacks

    /// Takes one line of a head, or of the trailers after a body.
    fileprivate func header(_ line: UnsafeRawBufferPointer) -> Int {
        if line.count >= 5, line[0] == UInt8(ascii: "H"), memcmp(line.baseAddress!, "HTTP/", 5) == 0 {
            firstByte = .now
            head.removeAll(keepingCapacity: true)
            headEnded = false
        } else if headEnded {
            return line.count
        } else if line.count <= 2, line.first == 13 || line.first == 10 {
            endHead()
        } else {
            head.append(contentsOf: line)
        }
        return line.count
    }

    private func endHead() {
        let status = loads_easy_get_long(easy, CURLINFO_RESPONSE_CODE)
        if status < 200 { return }
        headEnded = true
        heads += 1
        // libcurl answers a first digest challenge itself; if it cannot, the body or the end tells.
        if status == 401 && heads == 1 && settings.hasDigest { return }
        offer()
    }

    /// Has a streamed response handed over, outside of the callbacks.
    private func offer() {
        guard case .stream = receive, !isOffered else { return }
        isOffered = true
        engine.waitingForWork.append(self)
    }

    fileprivate func received(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch receive {
        case .discard: return bytes.count
        case .whole(let limit):
            if body.count + bytes.count > limit {
                tooLarge = true
                return 0
            }
            if body.isEmpty {
                let length = Int(loads_easy_get_size(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T))
                if length <= bytes.count {
                    body = Array(bytes)
                    return bytes.count
                }
                // What the server promises is believed up to a point.
                body.reserveCapacity(min(length, limit, 1 << 20))
            }
            body.append(contentsOf: bytes)
            return bytes.count
        case .stream:
            offer()
            return (stream ?? makeStream()).take(bytes) ? bytes.count : Int(CURL_WRITEFUNC_PAUSE)
        }
    }

    private func makeStream() -> InboundStream {
        let stream = InboundStream(of: self, loop: engine.loop, owner: engine)
        self.stream = stream
        return stream
    }

    fileprivate func give(_ space: UnsafeMutableRawBufferPointer) -> Int {
        guard let upload else { return 0 }
        switch upload.fill(space) {
        case .bytes(let count):
            sent = .now
            return count
        case .end:
            sent = .now
            return 0
        case .nothingYet:
            engine.waitingForWork.append(self)
            return Int(CURL_READFUNC_PAUSE)
        case .broken: return Int(CURL_READFUNC_ABORT)
        }
    }

    /// Does what a callback asked for, outside of it.
    func work() {
        guard place >= 0 else { return }
        if isOffered, let continuation {
            self.continuation = nil
            var result = result()
            result.stream = InboundStreamHandle(stream ?? makeStream())
            continuation.resume(returning: .success(result))
        }
        upload?.request()
    }
}

// Formed outside any actor: a closure made on the main actor would trap on the loop's thread.
extension CurlTransfer {
    static let bodyCallback: loads_data_function = { bytes, size, count, user in
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(user!).takeUnretainedValue()
        return transfer.received(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }

    static let headerCallback: loads_data_function = { bytes, size, count, user in
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(user!).takeUnretainedValue()
        return transfer.header(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }

    static let uploadCallback: loads_data_function = { bytes, size, count, user in
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(user!).takeUnretainedValue()
        return transfer.give(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
    }

    static let seekCallback: loads_seek_function = { user, offset, origin in
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(user!).takeUnretainedValue()
        let done = origin == SEEK_SET && transfer.upload?.rewind(to: Int(offset)) == true
        return Int32(done ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL)
    }

    static let closeCallback: loads_close_function = { user, descriptor in
        Unmanaged<CurlEngine>.fromOpaque(user!).takeUnretainedValue().socketClosing(descriptor)
        return close(descriptor)
    }
}

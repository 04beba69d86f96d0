internal import CCurl
internal import Glibc
internal import HTTPTypes
internal import LoadsCore
internal import LoadsEventLoop

/// One easy handle and the exchange it carries out; used again for the engine's next one. On the engine's loop only.
final class CurlTransfer: @unchecked Sendable {
    // @unchecked: confined to the loop's thread; others only pass the reference along.
    let easy: UnsafeMutableRawPointer
    unowned let engine: CurlEngine
    var continuation: UnsafeContinuation<Result<ExchangeResult, SessionError>, Never>?
    /// Counts the exchanges, so that a late cancel cannot hit the next one.
    private(set) var generation = 0
    /// Where the engine keeps it while it is active; -1 otherwise.
    var place = -1
    private(set) var url = ""

    // What the handle is set to, so that equal options are not set again.
    private var setOptions: ConnectionOptions?
    private var setHeaders: [(name: String, value: String)] = []
    private var setMethod = ""
    private var setBodyKind = BodyKind.none
    private var setRoute: CurlRoute.Place?
    private var setRouteVersion = -1
    private var setTimeout = -1
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var resolveList: UnsafeMutablePointer<curl_slist>?
    private var pinList: UnsafeMutablePointer<curl_slist>?
    private let errorBuffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    // The exchange.
    private var start = Instant(nanoseconds: 0)
    private var dns: Int64 = 0
    private var sent = Instant(nanoseconds: 0)
    private var firstByte: Instant?
    private var head: [UInt8] = []
    private var heads = 0
    private var body: [UInt8] = []
    private var bodyCount = 0
    private var receive = ReceiveMode.discard
    private var tooLarge = false
    private var deadline = Instant.distantFuture
    private var upload: CurlUpload?
    private var bodySize = 0
    private(set) var stream: CurlStream?
    private var headersDone = false

    private enum BodyKind { case none, head, bytes, stream }

    init(engine: CurlEngine) {
        self.engine = engine
        easy = curl_easy_init()!
        let me = Unmanaged.passUnretained(self).toOpaque()
        loads_easy_set_pointer(easy, CURLOPT_PRIVATE, me)
        loads_easy_set_pointer(easy, CURLOPT_WRITEDATA, me)
        loads_easy_set_pointer(easy, CURLOPT_HEADERDATA, me)
        loads_easy_set_pointer(easy, CURLOPT_READDATA, me)
        loads_easy_set_data_function(easy, CURLOPT_WRITEFUNCTION, bodyCallback)
        loads_easy_set_data_function(easy, CURLOPT_HEADERFUNCTION, headerCallback)
        loads_easy_set_data_function(easy, CURLOPT_READFUNCTION, uploadCallback)
        loads_easy_set_pointer(easy, CURLOPT_CLOSESOCKETDATA, Unmanaged.passUnretained(engine).toOpaque())
        loads_easy_set_close_function(easy, closeCallback)
        loads_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, errorBuffer)
        loads_easy_set_long(easy, CURLOPT_NOSIGNAL, 1)
        loads_easy_set_long(easy, CURLOPT_PATH_AS_IS, 1)
        loads_easy_set_long(easy, CURLOPT_HTTP09_ALLOWED, 0)
        loads_easy_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        loads_easy_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        loads_easy_set_long(easy, CURLOPT_BUFFERSIZE, 16 * 1024)
        loads_easy_set_long(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024)
        loads_easy_set_long(easy, CURLOPT_TCP_NODELAY, 1)
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
        curl_slist_free_all(resolveList)
        curl_slist_free_all(pinList)
        errorBuffer.deallocate()
    }

    // MARK: Setting up

    func prepare(_ exchange: Exchange, _ route: CurlRoute, start: Instant, dns: Int64) {
        generation += 1
        self.start = start
        self.dns = dns
        errorBuffer[0] = 0
        receive = exchange.receive
        deadline = exchange.deadline
        if url != exchange.url {
            url = exchange.url
            loads_easy_set_string(easy, CURLOPT_URL, url)
        }
        if setOptions != exchange.connection { set(exchange.connection) }
        set(route)
        setBody(exchange)
        if !Self.same(setHeaders, exchange.headers) || headerList == nil { setHeaderLines(exchange) }
        let left = max(1, (deadline.nanoseconds(since: .now) + 999_999) / 1_000_000)
        let timeout = Int(min(left, 86_400_000 * 365))
        if timeout != setTimeout {
            setTimeout = timeout
            loads_easy_set_long(easy, CURLOPT_TIMEOUT_MS, timeout)
        }
    }

    private func set(_ options: ConnectionOptions) {
        setOptions = options
        loads_easy_set_long(
            easy, CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, options.connectTimeout.wholeNanoseconds / 1_000_000)))
        loads_easy_set_long(easy, CURLOPT_SSL_VERIFYPEER, options.verifiesTLS ? 1 : 0)
        loads_easy_set_long(easy, CURLOPT_SSL_VERIFYHOST, options.verifiesTLS ? 2 : 0)
        if let file = options.caFile { loads_easy_set_string(easy, CURLOPT_CAINFO, file) }
        loads_easy_set_string(easy, CURLOPT_SSLCERT, options.certificateFile)
        loads_easy_set_string(easy, CURLOPT_SSLKEY, options.keyFile ?? options.certificateFile)
        // The empty string switches off the proxies of the environment.
        loads_easy_set_string(easy, CURLOPT_PROXY, options.proxy ?? "")
        loads_easy_set_string(easy, CURLOPT_UNIX_SOCKET_PATH, options.unixSocket)
        loads_easy_set_long(
            easy, CURLOPT_HTTP_VERSION, options.allowsHTTP2 ? Int(CURL_HTTP_VERSION_2TLS) : Int(CURL_HTTP_VERSION_1_1))
        loads_easy_set_string(easy, CURLOPT_USERNAME, options.digestUser)
        loads_easy_set_string(easy, CURLOPT_PASSWORD, options.digestPassword)
        loads_easy_set_long(easy, CURLOPT_HTTPAUTH, options.digestUser == nil ? 0 : Self.digest)
        curl_slist_free_all(pinList)
        pinList = nil
        for (from, to) in options.pins {
            let port = from.split(separator: ":").last.map(String.init) ?? ""
            let target = CurlRoute.authority(of: "//" + to, defaultPort: Int(port) ?? 0, any: true)
            let host = target.map { $0.host.utf8.contains(UInt8(ascii: ":")) ? "[\($0.host)]" : $0.host } ?? to
            pinList = curl_slist_append(pinList, "\(from):\(host):\(target?.port ?? 0)")
        }
        loads_easy_set_list(easy, CURLOPT_CONNECT_TO, pinList)
    }

    /// `CURLAUTH_DIGEST`, a macro with a cast that Swift does not import.
    private static let digest = 1 << 1

    private func set(_ route: CurlRoute) {
        guard let place = route.resolved else { return }
        if place == setRoute && route.version == setRouteVersion { return }
        setRoute = place
        setRouteVersion = route.version
        guard let line = route.line(turn: engine.nextTurn()) else { return }
        let old = resolveList
        resolveList = curl_slist_append(nil, line)
        loads_easy_set_list(easy, CURLOPT_RESOLVE, resolveList)
        curl_slist_free_all(old)
    }

    /// Makes the next exchange hand its addresses over anew: the multi handle that knew them is gone.
    func forgetRoute() {
        setRoute = nil
        setRouteVersion = -1
    }

    private func setBody(_ exchange: Exchange) {
        let method = exchange.method.rawValue
        var kind = BodyKind.none
        switch exchange.body {
        case .none: kind = method == "HEAD" ? .head : .none
        case .bytes(let bytes):
            kind = .bytes
            bodySize = bytes.count
            loads_easy_set_long(easy, CURLOPT_POST, 1)
            loads_easy_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
            bytes.withUnsafeBytes { raw in
                // libcurl copies; an empty array has no address to copy from.
                let base = raw.baseAddress ?? UnsafeRawPointer(errorBuffer)
                loads_easy_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: base))
            }
        case .stream(let length, let next):
            kind = .stream
            upload = CurlUpload(transfer: self, next: next)
            loads_easy_set_long(easy, CURLOPT_UPLOAD, 1)
            loads_easy_set_size(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(length ?? -1))
        }
        if kind != setBodyKind || kind == .bytes || kind == .stream || method != setMethod {
            if kind == .none || kind == .head {
                loads_easy_set_long(easy, CURLOPT_UPLOAD, 0)
                loads_easy_set_long(easy, CURLOPT_HTTPGET, 1)
                if kind == .head { loads_easy_set_long(easy, CURLOPT_NOBODY, 1) }
            }
            setBodyKind = kind
            setMethod = method
            let natural = (kind == .none && method == "GET") || kind == .head || (kind == .bytes && method == "POST")
            loads_easy_set_string(easy, CURLOPT_CUSTOMREQUEST, natural ? nil : method)
        }
    }

    private func setHeaderLines(_ exchange: Exchange) {
        setHeaders = exchange.headers
        var lines: UnsafeMutablePointer<curl_slist>?
        // libcurl's own defaults are taken away unless the caller set them.
        var defaults = ["accept", "expect", "content-type"]
        for (name, value) in exchange.headers {
            lines = curl_slist_append(lines, value.isEmpty ? "\(name);" : "\(name): \(value)")
            let lower = name.lowercased()
            defaults.removeAll { $0 == lower }
        }
        for name in defaults { lines = curl_slist_append(lines, "\(name):") }
        loads_easy_set_list(easy, CURLOPT_HTTPHEADER, lines)
        curl_slist_free_all(headerList)
        headerList = lines
    }

    private static func same(_ left: [(name: String, value: String)], _ right: [(name: String, value: String)]) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.indices where left[index].value != right[index].value || left[index].name != right[index].name {
            return false
        }
        return true
    }

    /// Called when the first of the request has been handed to the system.
    func noteSent() { if place >= 0 && upload == nil { sent = .now } }

    // MARK: Ending

    /// Resumes the caller. Harmless when it has been resumed.
    func finish(_ result: Result<ExchangeResult, SessionError>) {
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
        body = []
        bodyCount = 0
        bodySize = 0
        firstByte = nil
        tooLarge = false
        headersDone = false
        upload = nil
        stream = nil
        if case .bytes = setBodyKind { setBodyKind = .none; setMethod = ""; forgetBody() }
        if case .stream = setBodyKind { setBodyKind = .none; setMethod = ""; forgetBody() }
    }

    private func forgetBody() {
        loads_easy_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, nil)
        loads_easy_set_long(easy, CURLOPT_UPLOAD, 0)
        loads_easy_set_long(easy, CURLOPT_HTTPGET, 1)
    }

    /// What came of the transfer.
    func complete(_ code: CURLcode) -> Result<ExchangeResult, SessionError> {
        if code == CURLE_OK && headersDone { return .success(result()) }
        return .failure(error(code))
    }

    func result() -> ExchangeResult {
        let status = loads_easy_get_long(easy, CURLINFO_RESPONSE_CODE)
        let requestSize = loads_easy_get_long(easy, CURLINFO_REQUEST_SIZE)
        // libcurl counts a small body with the head it is sent with.
        let separate = bodySize > 64 * 1024 || upload != nil
        let uploaded = separate ? Int(loads_easy_get_size(easy, CURLINFO_SIZE_UPLOAD_T)) : 0
        var head: [UInt8] = []
        swap(&head, &self.head)
        var body: [UInt8] = []
        swap(&body, &self.body)
        return ExchangeResult(
            status: status, version: version, head: head, body: body, stream: nil, phases: phases(end: .now),
            bytesSent: requestSize + uploaded, bytesReceived: received, requests: max(1, heads))
    }

    private var version: String {
        switch loads_easy_get_long(easy, CURLINFO_HTTP_VERSION) {
        case Int(CURL_HTTP_VERSION_1_0): "HTTP/1.0"
        case Int(CURL_HTTP_VERSION_2_0): "HTTP/2"
        case 30: "HTTP/3"
        default: "HTTP/1.1"
        }
    }

    var received: Int {
        loads_easy_get_long(easy, CURLINFO_HEADER_SIZE) + Int(loads_easy_get_size(easy, CURLINFO_SIZE_DOWNLOAD_T))
    }

    func phases(end: Instant) -> Phases {
        var phases = Phases()
        phases.dns = dns
        var began = start.nanoseconds + dns
        if loads_easy_get_long(easy, CURLINFO_NUM_CONNECTS) > 0 {
            let connected = Int64(loads_easy_get_size(easy, CURLINFO_CONNECT_TIME_T)) * 1000
            let looked = Int64(loads_easy_get_size(easy, CURLINFO_NAMELOOKUP_TIME_T)) * 1000
            let secured = Int64(loads_easy_get_size(easy, CURLINFO_APPCONNECT_TIME_T)) * 1000
            phases.connect = max(0, connected - looked)
            phases.tls = secured > 0 ? max(0, secured - connected) : 0
            began += phases.connect + phases.tls
            // The first write did not wait for the connection: the request left when the connection was there.
            if upload == nil { sent = Instant(nanoseconds: began) }
        }
        let first = firstByte ?? end
        let out = min(max(sent.nanoseconds, began), first.nanoseconds)
        phases.send = max(0, out - began)
        phases.wait = max(0, first.nanoseconds - max(out, began))
        phases.receive = max(0, end.nanoseconds - first.nanoseconds)
        return phases
    }

    private func error(_ code: CURLcode) -> SessionError {
        if tooLarge {
            return SessionError(
                code: .bodyTooLarge, message: "the body of \(url) is larger than the session takes: raise its limit or stream it",
                url: url)
        }
        if let failure = upload?.failure {
            return SessionError(
                code: .body, message: "the body for \(url) could not be made: \(failure)", url: url, cause: failure)
        }
        let detail = errorBuffer[0] == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: errorBuffer)
        let connecting = loads_easy_get_size(easy, CURLINFO_PRETRANSFER_TIME_T) == 0 && heads == 0
        let (kind, advice) = CurlFailure.explain(code, connecting: connecting && Instant.now < deadline)
        return SessionError(code: kind, message: "\(url): \(detail) (\(advice))", url: url)
    }

    static func cancelled(_ url: String) -> SessionError {
        SessionError(code: .cancelled, message: "\(url): the task was cancelled", url: url)
    }

    // MARK: Callbacks

    fileprivate func header(_ line: UnsafeRawBufferPointer) -> Int {
        if firstByte == nil { firstByte = .now }
        if line.count >= 5, line[0] == UInt8(ascii: "H"), line.starts(with: "HTTP/".utf8) {
            // A 1xx, or a challenge that was answered, came before: only the last head counts.
            head.removeAll(keepingCapacity: true)
            headersDone = false
            return line.count
        }
        if headersDone { return line.count }
        if line.count <= 2, line.first == 13 || line.first == 10 {
            headEnded()
            return line.count
        }
        head.append(contentsOf: line)
        return line.count
    }

    private func headEnded() {
        let status = loads_easy_get_long(easy, CURLINFO_RESPONSE_CODE)
        if status < 200 { return }
        headersDone = true
        heads += 1
        // libcurl answers a first digest challenge itself.
        let challenged = status == 401 && heads == 1 && setOptions?.digestUser != nil
        if case .stream = receive, !challenged { engine.waitingForWork.append(self) }
    }

    fileprivate func received(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch receive {
        case .discard: return bytes.count
        case .whole(let limit):
            if bodyCount + bytes.count > limit {
                tooLarge = true
                return 0
            }
            if body.isEmpty {
                let length = Int(loads_easy_get_size(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T))
                if length > bytes.count { body.reserveCapacity(min(length, limit, 1 << 20)) }
            }
            bodyCount += bytes.count
            body.append(contentsOf: bytes)
            return bytes.count
        case .stream:
            let stream = stream ?? makeStream()
            return stream.take(bytes) ? bytes.count : Int(CURL_WRITEFUNC_PAUSE)
        }
    }

    private func makeStream() -> CurlStream {
        let stream = CurlStream(engine: engine, transfer: self, generation: generation)
        self.stream = stream
        return stream
    }

    fileprivate func give(_ space: UnsafeMutableRawBufferPointer) -> Int {
        guard let upload else { return 0 }
        let count = upload.fill(space)
        if count == Int(CURL_READFUNC_PAUSE) { engine.waitingForWork.append(self) }
        if count == 0 { sent = .now }
        return count
    }

    /// Does what a callback asked for, outside of it.
    func work() {
        guard place >= 0 else { return }
        if case .stream = receive, headersDone, continuation != nil {
            let stream = stream ?? makeStream()
            var result = result()
            result.stream = CurlStreamHandle(stream)
            continuation?.resume(returning: .success(result))
            continuation = nil
        }
        upload?.request()
    }
}

private let bodyCallback: loads_data_function = { bytes, size, count, user in
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(user!).takeUnretainedValue()
    return transfer.received(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private let headerCallback: loads_data_function = { bytes, size, count, user in
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(user!).takeUnretainedValue()
    return transfer.header(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private let uploadCallback: loads_data_function = { bytes, size, count, user in
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(user!).takeUnretainedValue()
    return transfer.give(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
}

private let closeCallback: loads_close_function = { user, descriptor in
    Unmanaged<CurlEngine>.fromOpaque(user!).takeUnretainedValue().socketClosing(descriptor)
    return close(descriptor)
}

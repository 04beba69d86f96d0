internal import CCurl
internal import Glibc
internal import HTTPTypes
internal import LoadsEventLoop

/// What an easy handle is set to, so that what does not change between exchanges is not set again.
struct CurlSettings {
    enum Body {
        case none
        case head
        case bytes
        case upload
    }

    var url = ""
    var method = ""
    var body = Body.none
    var headers: [(name: String, value: String)] = []
    var timeout = -1
    var optionsNumber = -1
    var routeNumber = -1
    var hasProxy = false
    var hasDigest = false
    var allowsHTTP2 = true
    var headerList: UnsafeMutablePointer<curl_slist>?
    var resolveList: UnsafeMutablePointer<curl_slist>?
    var pinList: UnsafeMutablePointer<curl_slist>?

    func free() {
        curl_slist_free_all(headerList)
        curl_slist_free_all(resolveList)
        curl_slist_free_all(pinList)
    }

    /// Bodies up to here are given to libcurl whole, which sends them with the head in one write; larger ones are
    /// fetched while they are sent, which saves a copy and shows when the sending ended.
    static let wholeBodyLimit = 32 * 1024

    /// Where the system keeps the certificates it trusts, for libcurl. The bundle would be read and kept for each user
    /// (20 ms, 1 MB); from a directory with hashed names only the certificate in question is read.
    static let systemTrust: (file: String?, path: String?) = {
        guard let easy = curl_easy_init() else { return (nil, nil) }
        defer { curl_easy_cleanup(easy) }
        let file = loads_easy_get_string(easy, CURLINFO_CAINFO).map { String(cString: $0) }
        let path = loads_easy_get_string(easy, CURLINFO_CAPATH).map { String(cString: $0) }
        return (path.map(isHashed) == true ? nil : file, path)
    }()

    /// Whether a directory has certificates under the names that `openssl rehash` gives them, eight digits and `.0`.
    private static func isHashed(_ path: String) -> Bool {
        guard let directory = opendir(path) else { return false }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let isHash = withUnsafeBytes(of: &entry.pointee.d_name) { name in
                name.prefix(8).allSatisfy {
                    UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
                }
                    && name[8] == UInt8(ascii: ".") && name[9] == UInt8(ascii: "0") && name[10] == 0
            }
            if isHash { return true }
        }
        return false
    }

    /// `CURLAUTH_DIGEST`, a macro with a cast that Swift does not import.
    static let digest = 1 << 1
}

extension CurlTransfer {
    /// What is the same for all exchanges.
    func setUp() {
        let me = Unmanaged.passUnretained(self).toOpaque()
        loads_easy_set_pointer(easy, CURLOPT_PRIVATE, me)
        loads_easy_set_pointer(easy, CURLOPT_WRITEDATA, me)
        loads_easy_set_pointer(easy, CURLOPT_HEADERDATA, me)
        loads_easy_set_pointer(easy, CURLOPT_READDATA, me)
        loads_easy_set_pointer(easy, CURLOPT_SEEKDATA, me)
        loads_easy_set_data_function(easy, CURLOPT_WRITEFUNCTION, Self.bodyCallback)
        loads_easy_set_data_function(easy, CURLOPT_HEADERFUNCTION, Self.headerCallback)
        loads_easy_set_data_function(easy, CURLOPT_READFUNCTION, Self.uploadCallback)
        loads_easy_set_seek_function(easy, Self.seekCallback)
        loads_easy_set_pointer(easy, CURLOPT_CLOSESOCKETDATA, Unmanaged.passUnretained(engine).toOpaque())
        loads_easy_set_close_function(easy, Self.closeCallback)
        loads_easy_set_private_sockets(easy)
        loads_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, errorBuffer)
        loads_easy_set_long(easy, CURLOPT_NOSIGNAL, 1)
        loads_easy_set_long(easy, CURLOPT_PATH_AS_IS, 1)
        loads_easy_set_long(easy, CURLOPT_HTTP09_ALLOWED, 0)
        loads_easy_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        loads_easy_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        // Thousands of users have a handle each: small buffers.
        loads_easy_set_long(easy, CURLOPT_BUFFERSIZE, 16 * 1024)
        loads_easy_set_long(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024)
        // The empty string keeps libcurl from reading the environment's exceptions.
        loads_easy_set_string(easy, CURLOPT_NOPROXY, "")
    }

    /// Sets what differs from the last exchange.
    func apply(_ exchange: Exchange, _ route: CurlRoute) {
        if settings.url != exchange.url {
            settings.url = exchange.url
            loads_easy_set_string(easy, CURLOPT_URL, exchange.url)
        }
        if settings.optionsNumber != route.options {
            settings.optionsNumber = route.options
            set(exchange.connection)
        }
        if settings.routeNumber != route.number {
            settings.routeNumber = route.number
            set(route)
        }
        set(exchange.method, exchange.body)
        if settings.headerList == nil || !Self.same(settings.headers, exchange.headers) { set(exchange.headers) }
        let left = max(1, (exchange.deadline.nanoseconds(since: .now) + 999_999) / 1_000_000)
        let timeout = Int(min(left, Int64(Int32.max)))
        if timeout != settings.timeout {
            settings.timeout = timeout
            loads_easy_set_long(easy, CURLOPT_TIMEOUT_MS, timeout)
        }
    }

    private func set(_ options: ConnectionOptions) {
        let connect = min(max(1, options.connectTimeout.wholeNanoseconds / 1_000_000), Int64(Int32.max))
        loads_easy_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(connect))
        // The same for the server and for an https proxy.
        for (peer, host) in [
            (CURLOPT_SSL_VERIFYPEER, CURLOPT_SSL_VERIFYHOST),
            (CURLOPT_PROXY_SSL_VERIFYPEER, CURLOPT_PROXY_SSL_VERIFYHOST),
        ] {
            loads_easy_set_long(easy, peer, options.verifiesTLS ? 1 : 0)
            loads_easy_set_long(easy, host, options.verifiesTLS ? 2 : 0)
        }
        // A CA of one's own stands alone: what the system trusts besides is not what was asked for.
        for (file, path) in [(CURLOPT_CAINFO, CURLOPT_CAPATH), (CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH)] {
            loads_easy_set_string(easy, file, options.caFile ?? CurlSettings.systemTrust.file)
            loads_easy_set_string(easy, path, options.caFile == nil ? CurlSettings.systemTrust.path : nil)
        }
        loads_easy_set_string(easy, CURLOPT_SSLCERT, options.certificateFile)
        loads_easy_set_string(easy, CURLOPT_SSLKEY, options.keyFile ?? options.certificateFile)
        // The empty string switches off the proxies of the environment.
        loads_easy_set_string(easy, CURLOPT_PROXY, options.proxy ?? "")
        loads_easy_set_string(easy, CURLOPT_UNIX_SOCKET_PATH, options.unixSocket)
        loads_easy_set_long(
            easy, CURLOPT_HTTP_VERSION, options.allowsHTTP2 ? Int(CURL_HTTP_VERSION_2TLS) : Int(CURL_HTTP_VERSION_1_1))
        loads_easy_set_string(easy, CURLOPT_USERNAME, options.digestUser)
        loads_easy_set_string(easy, CURLOPT_PASSWORD, options.digestPassword)
        loads_easy_set_long(easy, CURLOPT_HTTPAUTH, options.digestUser == nil ? 0 : CurlSettings.digest)
        settings.hasProxy = options.proxy?.isEmpty == false
        settings.hasDigest = options.digestUser != nil
        let pins = Self.list(CurlRoute.lines(for: options.pins))
        loads_easy_set_list(easy, CURLOPT_CONNECT_TO, pins)
        curl_slist_free_all(settings.pinList)
        settings.pinList = pins
    }

    private func set(_ route: CurlRoute) {
        let lines = route.names.isEmpty ? nil : Self.list(route.lines(turn: engine.nextTurn()))
        loads_easy_set_list(easy, CURLOPT_RESOLVE, lines)
        curl_slist_free_all(settings.resolveList)
        settings.resolveList = lines
    }

    private func set(_ httpMethod: HTTPRequest.Method, _ body: ExchangeBody) {
        let method = httpMethod.rawValue
        var kind = CurlSettings.Body.none
        var whole: [UInt8] = []
        switch body {
        // A response to HEAD has no body whatever was sent, and libcurl sends none with it.
        case _ where method == "HEAD": kind = .head
        // Methods that are about a body say that it is empty.
        case .none: kind = ["POST", "PUT", "PATCH"].contains(method) ? .bytes : .none
        case .bytes(let bytes) where bytes.count <= CurlSettings.wholeBodyLimit:
            kind = .bytes
            whole = bytes
        case .bytes(let bytes):
            kind = .upload
            upload = Upload(of: self, loop: engine.loop, bytes: bytes)
        case .stream(let length, let next):
            kind = .upload
            upload = Upload(of: self, loop: engine.loop, length: length, next: next)
        }
        if kind != settings.body || method != settings.method { change(to: kind, method) }
        switch kind {
        case .bytes:
            loads_easy_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(whole.count))
            whole.withUnsafeBytes { raw in
                // libcurl copies; an empty array has no address to copy from, and none would mean a stream.
                let base = raw.baseAddress ?? UnsafeRawPointer(errorBuffer)
                loads_easy_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: base))
            }
        case .upload: loads_easy_set_size(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(upload?.length ?? -1))
        case .none, .head: break
        }
    }

    /// Each of libcurl's switches below also sets the method and takes others back, so their order matters.
    private func change(to kind: CurlSettings.Body, _ method: String) {
        if settings.body == .upload { loads_easy_set_long(easy, CURLOPT_UPLOAD, 0) }
        if settings.body == .bytes && kind != .bytes { loads_easy_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, nil) }
        switch kind {
        case .none: loads_easy_set_long(easy, CURLOPT_HTTPGET, 1)
        case .head: loads_easy_set_long(easy, CURLOPT_NOBODY, 1)
        case .bytes:
            loads_easy_set_long(easy, CURLOPT_NOBODY, 0)
            loads_easy_set_long(easy, CURLOPT_POST, 1)
        case .upload:
            loads_easy_set_long(easy, CURLOPT_NOBODY, 0)
            loads_easy_set_long(easy, CURLOPT_UPLOAD, 1)
        }
        let natural =
            switch kind {
            case .none: method == "GET"
            case .head: true
            case .bytes: method == "POST"
            case .upload: method == "PUT"
            }
        loads_easy_set_string(easy, CURLOPT_CUSTOMREQUEST, natural ? nil : method)
        settings.body = kind
        settings.method = method
    }

    private func set(_ headers: [(name: String, value: String)]) {
        settings.headers = headers
        // libcurl's own defaults are taken away unless the caller set them.
        var defaults = ["accept", "expect", "content-type"]
        var lines: [String] = []
        for (name, value) in headers {
            lines.append(value.isEmpty ? "\(name);" : "\(name): \(value)")
            let lower = name.lowercased()
            defaults.removeAll { $0 == lower }
        }
        let list = Self.list(lines + defaults.map { "\($0):" })
        loads_easy_set_list(easy, CURLOPT_HTTPHEADER, list)
        curl_slist_free_all(settings.headerList)
        settings.headerList = list
    }

    private static func same(_ left: [(name: String, value: String)], _ right: [(name: String, value: String)]) -> Bool
    {
        guard left.count == right.count else { return false }
        for index in left.indices where left[index].value != right[index].value || left[index].name != right[index].name
        {
            return false
        }
        return true
    }

    private static func list(_ lines: [String]) -> UnsafeMutablePointer<curl_slist>? {
        lines.reduce(nil) { curl_slist_append($0, $1) }
    }
}

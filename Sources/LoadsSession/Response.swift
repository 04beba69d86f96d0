@_exported public import HTTPTypes
import LoadsCore
import LoadsEventLoop
import Synchronization

/// A response. Any status is one, 500 included; see ``requireSuccess()``.
public struct Response: Sendable {
    /// Shared by copies; what is dear to make is made once, when it is first asked for.
    let storage: Storage

    final class Storage: Sendable {
        let status: Int
        let version: String
        let head: HTTPHead
        let body: [UInt8]
        let url: String
        let parsedURL: WebURL
        let method: HTTPRequest.Method
        let history: [Response]
        let elapsed: Int64
        let phases: Phases
        let text = AtomicLazyReference<Box<String>>()
        let fields = AtomicLazyReference<Box<HTTPFields>>()

        init(
            status: Int, version: String, head: HTTPHead, body: [UInt8], url: String, parsedURL: WebURL,
            method: HTTPRequest.Method, history: [Response], elapsed: Int64, phases: Phases
        ) {
            self.status = status
            self.version = version
            self.head = head
            self.body = body
            self.url = url
            self.parsedURL = parsedURL
            self.method = method
            self.history = history
            self.elapsed = elapsed
            self.phases = phases
        }
    }

    final class Box<Value: Sendable>: Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    /// The status; compares with a number: `response.status == 200`.
    public var status: HTTPResponse.Status { HTTPResponse.Status(code: storage.status) }

    /// Whether the status is below 400.
    public var isSuccess: Bool { storage.status < 400 }

    /// The fields of the final response, in the order they came.
    public var headers: HTTPFields {
        if let box = storage.fields.load() { return box.value }
        return storage.fields.storeIfNil(Box(storage.head.fields)).value
    }

    /// The body, decompressed. Empty when it was discarded.
    public var body: [UInt8] { storage.body }

    /// The body as text: by its byte order mark, by the charset of its `Content-Type`, otherwise as UTF-8. What
    /// cannot be decoded becomes U+FFFD.
    public var text: String {
        if let box = storage.text.load() { return box.value }
        let text = Charset.decode(storage.body, contentType: parameterizedType)
        return storage.text.storeIfNil(Box(text)).value
    }

    /// The URL that answered, after redirects.
    public var url: String { storage.url }

    /// The method of the request that was answered: a redirect may have made a GET of a POST.
    public var method: HTTPRequest.Method { storage.method }

    /// `HTTP/1.1`, `HTTP/2`.
    public var version: String { storage.version }

    /// The redirects that led here, oldest first.
    public var history: [Response] { storage.history }

    /// The cookies that this response set. The session's jar has those of all responses.
    public var cookies: [Cookie] {
        storage.head.values(of: "set-cookie").compactMap {
            Cookie(setCookie: $0, from: storage.parsedURL, now: .sinceEpoch)
        }
    }

    /// From the call to the last byte. For an entry of ``history``, of that exchange alone.
    public var elapsed: Duration { .nanoseconds(storage.elapsed) }

    /// Where that time went.
    public var timings: Timings { Timings(storage.phases) }

    /// Throws when the status is 400 or above.
    ///
    /// - Returns: The response itself, to go on with.
    /// - Throws: ``SessionError`` `.status`, with the URL and the beginning of the body.
    @discardableResult
    public func requireSuccess() throws(SessionError) -> Response {
        if isSuccess { return self }
        throw SessionError(
            code: .status,
            message: "\(method.rawValue) \(url) answered \(storage.status)" + (body.isEmpty ? "" : ": \(excerpt)"),
            url: url)
    }

    /// The `Content-Type`, if it has a parameter: without one it names no charset, and need not become a string.
    private var parameterizedType: String? {
        guard let range = storage.head.range(of: "content-type") else { return nil }
        return storage.head.bytes[range].contains(UInt8(ascii: ";")) ? storage.head.text(range) : nil
    }

    /// The beginning of the body, on one line.
    private var excerpt: String {
        let text = text.prefix(200)
        let line = String(text.map { $0.isNewline ? " " : $0 })
        return line.utf8.count < body.count ? line + "…" : line
    }
}

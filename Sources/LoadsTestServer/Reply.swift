/// Puts the bytes of a response together.
struct Reply {
    var status = 200
    var type = "text/plain; charset=utf-8"
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    init(_ status: Int = 200, type: String = "text/plain; charset=utf-8", _ body: String) {
        self.status = status
        self.type = type
        self.body = Array(body.utf8)
    }

    /// A plain 200.
    init(_ body: String) { self.body = Array(body.utf8) }

    static func json(_ status: Int, _ text: String) -> Reply { Reply(status, type: "application/json", text) }
    static func json(_ text: String) -> Reply { Reply(200, type: "application/json", text) }

    func with(_ name: String, _ value: String) -> Reply {
        var reply = self
        reply.headers.append((name, value))
        return reply
    }

    /// The whole response to a request.
    func bytes(to head: RequestHead) -> [UInt8] {
        var bytes = start(to: head, length: "Content-Length: \(body.count)\r\n")
        if head.method != "HEAD" && bodyAllowed { bytes += body }
        return bytes
    }

    /// Status line and headers with their empty line.
    ///
    /// - Parameter length: The header lines that tell where the body ends, CRLF after each.
    func start(to head: RequestHead, length: String) -> [UInt8] {
        var text = "HTTP/1.1 \(status) \(Self.reasons[status] ?? "Status")\r\n"
        if bodyAllowed { text += "Content-Type: \(type)\r\n\(length)" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if !head.keepsAlive { text += "Connection: close\r\n" }
        return Array((text + "\r\n").utf8)
    }

    private var bodyAllowed: Bool { status >= 200 && status != 204 && status != 304 }

    private static let reasons = [
        200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content",
        301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect",
        308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
        405: "Method Not Allowed", 413: "Content Too Large", 418: "I'm a Teapot", 429: "Too Many Requests",
        431: "Request Header Fields Too Large", 500: "Internal Server Error", 502: "Bad Gateway",
        503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
    ]
}

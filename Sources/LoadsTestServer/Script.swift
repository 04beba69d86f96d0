import LoadsEventLoop

/// What the path of a request asks the server to do. A pure function of the request: no socket, no clock.
///
/// The routes are documented in `Docs/TestServer.md`.
enum Script {
    /// What an answer may depend on besides the request.
    struct Surroundings {
        /// Nanoseconds since the server started.
        var age: Int64 = 0
        /// A number from 0 up to 1, for mixtures.
        var chance = 0.0
        /// Nanoseconds until so much work is done that waits for one of so many places.
        var queue: (_ places: Int, _ work: Int64) -> Int64 = { $1 }
        /// What `/counts` reports.
        var counts: () -> Counts = { Counts() }
    }

    /// The answer to a request.
    ///
    /// - Parameter body: The request's body; empty for answers that come ahead of it.
    static func answer(to head: RequestHead, body: [UInt8] = [], _ around: Surroundings = Surroundings()) -> Answer {
        if head.path == "/" || head.path == "/index.html" {
            return whole(Reply(200, type: "text/html; charset=utf-8", Page.blog), head)
        }
        let parts = head.path.split(separator: "/")
        let query = Query(head.query)
        if let name = parts.first.map(String.init) {
            let arguments = parts.dropFirst().map(String.init)
            let found =
                page(name, arguments, query, head, body, around) ?? timing(name, arguments, head, around)
                ?? size(name, arguments, head) ?? fault(name, arguments, head)
            if let found { return found }
        }
        return whole(Reply(404, "no such path: Docs/TestServer.md lists what there is\n"), head)
    }

    /// The largest number a path may ask for.
    static let limit = 1 << 40

    // MARK: Pages

    private static func page(
        _ name: String, _ arguments: [String], _ query: Query, _ head: RequestHead, _ body: [UInt8],
        _ around: Surroundings
    ) -> Answer? {
        switch name {
        case "login":
            guard head.method == "POST" else { return whole(Reply(405, "POST only\n").with("Allow", "POST"), head) }
            guard String(decoding: body, as: UTF8.self).contains("\"user\"") else {
                return whole(.json(400, #"{"error":"say who you are: {\"user\": \"…\"}"}"#), head)
            }
            return whole(.json(#"{"token":"\#(token)"}"#), head)
        case "me":
            guard head.header("authorization") == "Bearer \(token)" else {
                return whole(.json(401, #"{"error":"sign in first"}"#).with("WWW-Authenticate", "Bearer"), head)
            }
            return whole(.json(#"{"user":"tarek","full":\#(query["full"] != nil)}"#), head)
        case "counts": return whole(.json(around.counts().json), head)
        case "echo":
            let text = """
                {"method":\(JSON.string(head.method)),"target":\(JSON.string(head.target)),\
                "headers":\(JSON.object(head.headers)),"bytes":\(body.count),\
                "body":\(JSON.string(String(decoding: body, as: UTF8.self)))}
                """
            return whole(.json(text), head)
        case "status":
            guard let status = number(arguments, 0), (200...599).contains(status) else { return nil }
            return whole(Reply(status, "status \(status)\n"), head)
        case "redirect":
            guard let count = number(arguments, 0) else { return nil }
            if count == 0 { return whole(Reply("arrived by \(head.method)\n"), head) }
            let status = query["status"].flatMap { Int($0) } ?? 302
            let location = "/redirect/\(count - 1)\(head.query.isEmpty ? "" : "?\(head.query)")"
            return whole(Reply(status, "go on\n").with("Location", location), head)
        case "redirect-to":
            guard let url = query["url"], !url.utf8.contains(where: { $0 == 13 || $0 == 10 }) else { return nil }
            let status = query["status"].flatMap { Int($0) } ?? 302
            return whole(Reply(status, "go on\n").with("Location", url), head)
        case "headers":
            var reply = Reply("the headers you asked for\n")
            for (name, value) in query.items where !(name + value).utf8.contains(where: { $0 == 13 || $0 == 10 }) {
                reply.headers.append((name, value))
            }
            return whole(reply, head)
        case "cookies":
            guard arguments == ["set"] else {
                return whole(.json(#"{"cookie":\#(JSON.string(head.header("cookie") ?? ""))}"#), head)
            }
            var reply = Reply(302, "cookies set\n").with("Location", "/cookies")
            for (name, value) in query.items { reply.headers.append(("Set-Cookie", "\(name)=\(value); Path=/")) }
            return whole(reply, head)
        case "zstd":
            var reply = Reply("").with("Content-Encoding", "zstd")
            reply.body = Page.zstandard
            return whole(reply, head)
        default: return nil
        }
    }

    /// What `/login` hands out and `/me` wants.
    private static let token = "demo-token"

    // MARK: Timing

    private static func timing(_ name: String, _ arguments: [String], _ head: RequestHead, _ around: Surroundings)
        -> Answer?
    {
        switch name {
        case "delay":
            guard let delay = arguments.first.flatMap(milliseconds) else { return nil }
            return whole(Reply("after \(arguments[0]) ms\n"), head, after: delay)
        case "queue":
            guard arguments.count == 2, let places = number(arguments, 0), (1...10_000).contains(places),
                let work = milliseconds(arguments[1])
            else { return nil }
            let delay = Duration.nanoseconds(around.queue(places, work.wholeNanoseconds))
            return whole(Reply("done after \(arguments[1]) ms of work\n"), head, after: delay)
        case "mixed":
            guard let delay = arguments.first.flatMap({ mixed($0, around.chance) }) else { return nil }
            return whole(Reply("mixed\n"), head, after: delay)
        case "stall":
            guard arguments.count == 2, let from = Double(arguments[0]), let to = Double(arguments[1]), from <= to,
                (0...1e6).contains(from), to <= 1e6
            else { return nil }
            let (begin, end) = (Int64(from * 1e9), Int64(to * 1e9))
            let stalled = around.age >= begin && around.age < end
            return whole(Reply("not stalled\n"), head, after: stalled ? .nanoseconds(end - around.age) : nil)
        case "drip":
            guard let count = number(arguments, 0), count <= 1 << 20, arguments.count == 2,
                let pause = milliseconds(arguments[1])
            else { return nil }
            let start = Reply("").start(to: head, length: "Content-Length: \(count)\r\n")
            return Answer(steps: [.send(start)] + body(head, [.drip(filler(count)[...], every: pause)]))
        case "slow-headers":
            guard let pause = milliseconds(arguments.first ?? "5") else { return nil }
            return Answer(steps: [.drip(Reply("at last\n").bytes(to: head)[...], every: pause)])
        case "never": return Answer(steps: [.never], early: true)
        default: return nil
        }
    }

    /// `MS:P,MS:P…`: the delay that a number from 0 up to 1 picks; the parts P are weights.
    private static func mixed(_ text: String, _ chance: Double) -> Duration? {
        var parts: [(delay: Duration, weight: Double)] = []
        for part in text.split(separator: ",") {
            let pair = part.split(separator: ":").map(String.init)
            guard pair.count == 2, let delay = milliseconds(pair[0]), let weight = Double(pair[1]), weight > 0,
                weight.isFinite
            else { return nil }
            parts.append((delay, weight))
        }
        var left = chance * parts.reduce(0) { $0 + $1.weight }
        for part in parts {
            left -= part.weight
            if left < 0 { return part.delay }
        }
        return parts.last?.delay
    }

    // MARK: Sizes

    private static func size(_ name: String, _ arguments: [String], _ head: RequestHead) -> Answer? {
        switch name {
        case "bytes":
            guard let count = number(arguments, 0) else { return nil }
            let start = Reply(200, type: "application/octet-stream", "").start(
                to: head, length: "Content-Length: \(count)\r\n")
            return Answer(steps: [.send(start)] + body(head, [.fill(count)]))
        case "chunked":
            guard let count = number(arguments, 0), count <= 100_000 else { return nil }
            var bytes: [UInt8] = []
            for index in 0..<count {
                let chunk = "chunk \(index)\n"
                bytes += Array("\(String(chunk.utf8.count, radix: 16))\r\n\(chunk)\r\n".utf8)
            }
            let start = Reply("").start(to: head, length: "Transfer-Encoding: chunked\r\n")
            return Answer(steps: [.send(start)] + body(head, [.send(bytes + Array("0\r\n\r\n".utf8))]))
        case "endless":
            var head = head
            head.keepsAlive = false
            return Answer(steps: [.send(Reply("").start(to: head, length: "")), .fill(.max), .close])
        case "upload":
            var answer = whole(Reply("taken\n"), head)
            if let bytes = number(arguments, 0), bytes > 0, arguments.count == 2, let pause = milliseconds(arguments[1])
            {
                answer.pace = Answer.Pace(bytes: bytes, pause: pause)
            }
            return answer
        default: return nil
        }
    }

    // MARK: Faults

    private static func fault(_ name: String, _ arguments: [String], _ head: RequestHead) -> Answer? {
        func broken(_ text: String) -> Answer { Answer(steps: [.send(Array(text.utf8)), .close]) }
        switch name {
        case "close": return Answer(steps: [.close], early: true)
        case "reset": return Answer(steps: [.reset], early: true)
        case "close-mid-body":
            let start = Reply("").start(to: head, length: "Content-Length: 1000\r\n")
            return Answer(steps: [.send(start + filler(100)), .close])
        case "close-mid-chunk":
            let start = Reply("").start(to: head, length: "Transfer-Encoding: chunked\r\n")
            return Answer(steps: [.send(start + Array("64\r\nonly a part of a chunk".utf8)), .close])
        case "half-header": return broken("HTTP/1.1 200 OK\r\nContent-Type: text/pl")
        case "garbage": return broken("\u{1}\u{2}This is not HTTP. 220 mail ready\r\n\r\n")
        case "bad-length": return broken("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nbody")
        case "two-lengths": return broken("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbodys")
        case "bad-chunk":
            return broken("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nbody\r\n0\r\n\r\n")
        case "bad-gzip":
            var reply = Reply("this was never compressed\n").with("Content-Encoding", "gzip")
            reply.type = "application/octet-stream"
            return whole(reply, head)
        case "early":
            guard let status = number(arguments, 0), (200...599).contains(status) else { return nil }
            var head = head
            head.keepsAlive = false
            return Answer(steps: [.send(Reply(status, "early\n").bytes(to: head)), .close], early: true)
        default: return nil
        }
    }

    // MARK: Pieces

    private static func whole(_ reply: Reply, _ head: RequestHead, after delay: Duration? = nil) -> Answer {
        let send = Step.send(reply.bytes(to: head))
        return Answer(steps: delay.map { [.wait($0), send] } ?? [send])
    }

    /// The steps of a body: none for HEAD.
    private static func body(_ head: RequestHead, _ steps: [Step]) -> [Step] { head.method == "HEAD" ? [] : steps }

    private static func number(_ arguments: [String], _ index: Int) -> Int? {
        guard index < arguments.count, let number = Int(arguments[index]), (0...limit).contains(number) else {
            return nil
        }
        return number
    }

    private static func milliseconds(_ text: some StringProtocol) -> Duration? {
        guard let value = Double(text), (0...86_400_000).contains(value) else { return nil }
        return .nanoseconds(Int64(value * 1e6))
    }

    /// Bytes to fill a body with.
    static func filler(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, size in
            for index in 0..<count { buffer[index] = index % 64 == 63 ? 10 : UInt8(97 + index % 26) }
            size = count
        }
    }
}

import HTTPTypes
import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsSession

@Suite struct SessionRequestTests {
    private struct User: Encodable { var user: String }

    private func sent(
        _ configure: (inout SessionConfiguration) -> Void = { _ in }, base: String? = "http://a.test",
        _ call: (Session) async throws -> Response
    ) async throws -> Exchange {
        let script = Script(.text(""))
        _ = try await call(script.session(base, configure))
        return try #require(script.exchanges.first)
    }

    @Test func sendsDefaults() async throws {
        let exchange = try await sent { try await $0.get("/x") }
        #expect(exchange.url == "http://a.test/x" && exchange.method == .get)
        #expect(exchange.header("user-agent")?.hasPrefix("loads/") == true)
        #expect(exchange.header("accept") == "*/*")
        #expect(exchange.header("accept-encoding") == "gzip, deflate, br, zstd")
        #expect(exchange.headers.count == 3)
        #expect(exchange.connection.connectTimeout == .seconds(10) && exchange.connection.verifiesTLS)
    }

    @Test func replacesDefaultsBySessionAndCall() async throws {
        let exchange = try await sent(
            { $0.headers = [.userAgent: "mine", .accept: "a/b"] },
            { try await $0.get("/", headers: [.accept: "c/d", .init("X")!: "1", .init("X")!: "2"]) })
        #expect(exchange.header("user-agent") == "mine" && exchange.header("accept") == "c/d")
        #expect(exchange.headers.filter { $0.name == "X" }.map(\.value) == ["1", "2"])
        #expect(exchange.headers.filter { $0.name.lowercased() == "accept" }.count == 1)
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "GET"), (.head, "HEAD"), (.post, "POST"), (.put, "PUT"), (.patch, "PATCH"),
        (.delete, "DELETE"), (.options, "OPTIONS"),
    ])
    func hasAllVerbs(_ method: HTTPRequest.Method, _ name: String) async throws {
        let exchange = try await sent { session in
            switch name {
            case "GET": try await session.get("/")
            case "HEAD": try await session.head("/")
            case "POST": try await session.post("/")
            case "PUT": try await session.put("/")
            case "PATCH": try await session.patch("/")
            case "DELETE": try await session.delete("/")
            default: try await session.options("/")
            }
        }
        #expect(exchange.method == method)
    }

    @Test func sendsEveryBody() async throws {
        let bytes = try await sent { try await $0.post("/", body: [65]) }
        #expect(bytes.text == "A" && bytes.header("content-type") == nil)
        let text = try await sent { try await $0.put("/", text: "é") }
        #expect(text.text == "é" && text.header("content-type") == "text/plain; charset=utf-8")
        let json = try await sent { try await $0.patch("/", json: User(user: "tarek")) }
        #expect(json.text == #"{"user":"tarek"}"# && json.header("content-type") == "application/json")
        let form = try await sent { try await $0.post("/", form: ["a b": "1&2", "ü": ""]) }
        #expect(form.text == "a+b=1%262&%C3%BC=")
        #expect(form.header("content-type") == "application/x-www-form-urlencoded")
        let own = try await sent { try await $0.post("/", headers: [.contentType: "x/y"], json: ["a": 1]) }
        #expect(own.headers.filter { $0.name.lowercased() == "content-type" }.map(\.value) == ["x/y"])
    }

    @Test func sendsMultipart() async throws {
        var form = Multipart(["title": "Sum\"mer"])
        form.addFile("pho\"to", filename: "a\r\nb.jpg", contentType: "image/jpeg", bytes: [66])
        let exchange = try await sent { try await $0.post("/", multipart: form) }
        let type = try #require(exchange.header("content-type"))
        #expect(type.hasPrefix("multipart/form-data; boundary="))
        let boundary = type.dropFirst("multipart/form-data; boundary=".count)
        let expected =
            "--B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nSum\"mer\r\n"
            + "--B\r\nContent-Disposition: form-data; name=\"pho%22to\"; filename=\"a%0D%0Ab.jpg\"\r\n"
            + "Content-Type: image/jpeg\r\n\r\nB\r\n--B--\r\n"
        let parts = expected.split(separator: "--B", omittingEmptySubsequences: false)
        #expect(exchange.text == parts.joined(separator: "--" + boundary))
    }

    @Test func streamsBodies() async throws {
        let script = Script { exchange, _ throws(SessionError) in
            guard case .stream(let length, let next) = exchange.body else { return .answer(400) }
            var all: [UInt8] = []
            while let chunk = try? await next() { all += chunk }
            return .answer(length ?? 200, "", body: all)
        }
        let chunks = AsyncStream<[UInt8]> { continuation in
            for byte in [UInt8]([1, 2, 3]) { continuation.yield([byte]) }
            continuation.finish()
        }
        let response = try await script.session().post("/", stream: BodyStream(chunks, length: 299))
        #expect(response.body == [1, 2, 3] && response.status == 299)
    }

    @Test func refusesTwoBodies() async throws {
        let error = await #expect(throws: SessionError.self) {
            try await Script(.text("")).session().post("/", body: [1], text: "2")
        }
        #expect(error?.code == .body && error?.message.contains("body: and text:") == true)
    }

    @Test func authenticates() async throws {
        let basic = try await sent { try await $0.get("/", auth: .basic("Aladdin", "open sesame")) }
        #expect(basic.header("authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        let bearer = try await sent({ $0.auth = .bearer("t") }, { try await $0.get("/") })
        #expect(bearer.header("authorization") == "Bearer t")
        let none = try await sent({ $0.auth = .bearer("t") }, { try await $0.get("/", auth: .anonymous) })
        #expect(none.header("authorization") == nil)
        let url = try await sent({ $0.auth = .bearer("t") }, { try await $0.get("http://u:p@a.test/") })
        #expect(url.header("authorization") == "Basic dTpw" && url.url == "http://a.test/")
        let field = try await sent(
            { $0.auth = .bearer("t") }, { try await $0.get("/", headers: [.authorization: "x"]) })
        #expect(field.headers.filter { $0.name.lowercased() == "authorization" }.map(\.value) == ["x"])
        let digest = try await sent { try await $0.get("/", auth: .digest("u", "p")) }
        #expect(digest.connection.digestUser == "u" && digest.connection.digestPassword == "p")
        #expect(digest.header("authorization") == nil)
    }

    @Test func passesTheConfigurationOn() async throws {
        let exchange = try await sent(
            {
                $0.tls.verifies = false
                $0.tls.caFile = "ca.pem"
                $0.tls.certificateFile = "c.pem"
                $0.tls.keyFile = "k.pem"
                $0.proxy = "http://p:1"
                $0.unixSocket = "/s"
                $0.resolve = ["a.test:80": "127.0.0.1"]
                $0.allowsHTTP2 = false
                $0.connectTimeout = .seconds(3)
                $0.maxBodySize = 7
                $0.decompresses = false
            }, { try await $0.get("/") })
        var expected = ConnectionOptions()
        expected.verifiesTLS = false
        expected.caFile = "ca.pem"
        expected.certificateFile = "c.pem"
        expected.keyFile = "k.pem"
        expected.proxy = "http://p:1"
        expected.unixSocket = "/s"
        expected.pins = ["a.test:80": "127.0.0.1"]
        expected.allowsHTTP2 = false
        expected.connectTimeout = .seconds(3)
        #expect(exchange.connection == expected && exchange.header("accept-encoding") == nil)
        guard case .whole(limit: 7) = exchange.receive else { return #expect(Bool(false)) }
    }

    @Test func setsTheDeadline() async throws {
        let before = Instant.now
        let own = try await sent { try await $0.get("/", timeout: .seconds(500)) }
        let standard = try await sent { try await $0.get("/") }
        #expect(own.deadline >= before.advanced(by: .seconds(500)))
        #expect(standard.deadline < before.advanced(by: .seconds(500)))
    }

    @Test func startsNothingAfterTheDeadline() async throws {
        let script = Script(.text(""))
        let error = await #expect(throws: SessionError.self) { try await script.session().get("/", timeout: .zero) }
        #expect(error?.code == .timeout && script.exchanges.isEmpty)
    }

    @Test func keepsCookies() async throws {
        let script = Script(.answer(200, "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/in\r\n"), .text(""))
        let session = script.session()
        _ = try await session.get("/")
        session.cookies["mine"] = "3"
        _ = try await session.get("/out", headers: [.cookie: "own=0"])
        #expect(script.exchanges[0].header("cookie") == nil)
        #expect(script.exchanges[1].header("cookie") == "own=0; a=1; mine=3")
        #expect(session.cookies.map(\.name).sorted() == ["a", "b", "mine"])
        session.cookies = CookieJar()
        _ = try await session.get("/")
        #expect(script.exchanges[2].header("cookie") == nil)
    }

    @Test func takesCookiesOfRedirects() async throws {
        let script = Script(.redirect(to: "/in", "Set-Cookie: a=1\r\n"), .text(""))
        _ = try await script.session().get("/")
        #expect(script.exchanges[1].header("cookie") == "a=1")
    }

    @Test func runsHooks() async throws {
        let script = Script(.redirect(to: "/x"), .text("end"))
        let seen = Log()
        let session = script.session {
            $0.onRequest = [
                { request in
                    request.headers[.init("X-Signed")!] = request.url
                    seen.add(request.url)
                }
            ]
            $0.onResponse = [{ seen.add("\($0.status.code)") }]
        }
        _ = try await session.get("/")
        #expect(seen.lines == ["http://a.test/", "302", "http://a.test/x", "200"])
        #expect(script.exchanges[1].header("x-signed") == "http://a.test/x")
    }

    @Test func failsWithItsHook() async throws {
        struct Refused: Error {}
        let session = Script(.text("")).session { $0.onRequest = [{ _ in throw Refused() }] }
        let error = await #expect(throws: SessionError.self) { try await session.get("/") }
        #expect(error?.code == .hook && error?.cause is Refused)
    }

    @Test(
        arguments: [
            (nil, "http://b.test", "/x", "http://b.test/x"),
            (nil, "http://b.test/api/", "x", "http://b.test/api/x"),
            (nil, "http://b.test/api", "http://c.test/y", "http://c.test/y"),
            ("http://s.test:8080", "https://b.test", "/x", "http://s.test:8080/x"),
            ("http://s.test:8080", "https://b.test/api/", "x", "http://s.test:8080/api/x"),
            ("http://s.test:8080", nil, "/x", "http://s.test:8080/x"),
            ("http://s.test:8080/app/", nil, "x", "http://s.test:8080/app/x"),
            ("http://s.test:8080", "https://b.test", "http://c.test/y", "http://c.test/y"),
            ("http://s.test:8080", "/api/", "x", "http://s.test:8080/api/x"),
        ] as [(String?, String?, String, String)])
    func findsItsServer(_ server: String?, _ base: String?, _ url: String, _ expected: String) async throws {
        let user = TestUser { $0.serverURL = server }
        let script = Script(.text(""))
        try await user.iterate { _ = try await script.session(base).get(url) }
        #expect(script.exchanges.map(\.url) == [expected])
    }

    @Test func decompresses() async throws {
        let script = Script(.answer(200, "Content-Encoding: br\r\n", body: [0x1B]))
        let error = await #expect(throws: SessionError.self) { try await script.session().get("/") }
        #expect(error?.code == .body)
        #expect(try await script.session { $0.decompresses = false }.get("/").body == [0x1B])
        #expect(try await script.session().head("/").status == 200)
    }
}

@Suite(.serialized) struct SessionObserverTests {
    @Test func seesEveryExchange() async throws {
        let seen = Log()
        let host = "observed.test"
        Session.observe { exchange in
            // Other tests run meanwhile.
            guard exchange.url.contains(host) else { return }
            let status = try? exchange.result.get().status.code
            seen.add("\(exchange.method.rawValue) \(exchange.url) \(status ?? 0) \(exchange.body ?? [])")
        }
        defer { Session.observe(nil) }
        let script = Script { _, number throws(SessionError) in
            if number == 2 { throw SessionError(code: .reset, message: "", url: "") }
            return .redirect(307, to: "/x")
        }
        _ = try? await script.session("http://\(host)").post("/", body: [1])
        #expect(seen.lines == ["POST http://\(host)/ 307 [1]", "POST http://\(host)/x 0 [1]"])
    }
}

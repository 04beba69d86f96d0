import HTTPTypes
import LoadsSession
import LoadsTestServer
import TestSupport
import Testing

@Suite struct RedirectConformanceTests {
    @Test(
        arguments: EngineKind.allCases,
        [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
    func aRedirectedPostBecomesWhatItsStatusSays(engine: EngineKind, how: (status: Int, method: String)) async throws {
        let server = try TestServer()
        let response = try await engine.session(server.url)
            .post("/redirect/2?status=\(how.status)", text: "body")
        #expect(response.text == "arrived by \(how.method)\n")
        #expect(response.history.map(\.status.code) == [how.status, how.status])
        #expect(response.url == "\(server.url)/redirect/0?status=\(how.status)")
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func tooManyRedirectsAreAnError(engine: EngineKind) async throws {
        let server = try TestServer()
        let session = engine.session(server.url) { $0.maxRedirects = 5 }
        #expect(try await session.get("/redirect/5").history.count == 5)
        #expect(await code { try await session.get("/redirect/6") } == .tooManyRedirects)
        #expect(try await session.get("/redirect/6", followRedirects: false).status == 302)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func credentialsStayBehindWhenTheHostChanges(engine: EngineKind) async throws {
        struct Seen: Decodable { var headers: [String: String] }
        let (first, second) = (try TestServer(), try TestServer())
        let session = engine.session(first.url) { $0.auth = .basic("tarek", "secret") }
        let same = try await session.get("/redirect-to", query: ["url": "/echo"]).json(as: Seen.self)
        #expect(same.headers["Authorization"] != nil)
        let other = try await session.get("/redirect-to", query: ["url": second.url + "/echo"]).json(as: Seen.self)
        #expect(other.headers["Authorization"] == nil)
        let given = try await session.get(
            "/redirect-to", query: ["url": second.url + "/echo"], headers: [.authorization: "Bearer x", .cookie: "a=b"]
        ).json(as: Seen.self)
        #expect(given.headers["Authorization"] == nil && given.headers["Cookie"] == nil)
        await first.stop()
        await second.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aStreamedBodyIsNotSentTwice(engine: EngineKind) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        let chunks = AsyncStream { continuation in
            continuation.yield([UInt8]("part".utf8))
            continuation.finish()
        }
        #expect(
            await code { try await session.post("/redirect/1?status=307", stream: BodyStream(chunks)) } != nil)
        await server.stop()
    }
}

@Suite struct CookieConformanceTests {
    @Test(arguments: EngineKind.allCases)
    func cookiesAreKeptAndSentBack(engine: EngineKind) async throws {
        struct Jar: Decodable { var cookies: [String: String] }
        let session = engine.session(try await Httpbin.shared.url)
        let set = try await session.get("/cookies/set", query: ["a": "1", "b": "2"])
        #expect(set.history.first?.cookies.map(\.name).sorted() == ["a", "b"])
        #expect(try await session.get("/cookies").json(as: Jar.self).cookies == ["a": "1", "b": "2"])
        #expect(session.cookies["a"] == "1")
        _ = try await session.get("/cookies/delete?a")
        #expect(try await session.get("/cookies").json(as: Jar.self).cookies == ["b": "2"])
        session.cookies["c"] = "3"
        #expect(try await session.get("/cookies").json(as: Jar.self).cookies == ["b": "2", "c": "3"])
        #expect(
            try await engine.session(try await Httpbin.shared.url).get("/cookies").json(as: Jar.self).cookies == [:])
    }

    @Test(arguments: EngineKind.allCases)
    func pathsDomainsAndSecurityAreHonoured(engine: EngineKind) async throws {
        struct Seen: Decodable { var headers: [String: String] }
        let server = try TestServer()
        let session = engine.session("http://a.loads.test:\(server.port)") {
            $0.resolve = Dictionary(
                uniqueKeysWithValues: ["a.loads.test", "b.loads.test", "other.test"].map {
                    ("\($0):\(server.port)", "127.0.0.1")
                })
        }
        func cookies(_ url: String) async throws -> String? {
            let seen = try await session.get(url).json(as: Seen.self)
            return seen.headers["Cookie"]
        }
        for cookie in [
            "all=1; Path=/; Domain=loads.test", "own=1; Path=/", "deep=1; Path=/echo/deep", "tls=1; Path=/; Secure",
            "gone=1; Path=/; Max-Age=0", "foreign=1; Domain=other.test",
        ] { _ = try await session.get("/headers", query: ["Set-Cookie": cookie]) }
        #expect(try await cookies("/echo") == "all=1; own=1")
        #expect(try await cookies("/echo/deep/er") == "deep=1; all=1; own=1")
        #expect(try await cookies("http://b.loads.test:\(server.port)/echo") == "all=1")
        #expect(try await cookies("http://other.test:\(server.port)/echo") == nil)
        await server.stop()
    }
}

import HTTPTypes
import LoadsSession
import LoadsTestServer
import TestSupport
import Testing

@Suite struct RequestTests {
    @Test(arguments: EngineKind.allCases, ["GET", "POST", "PUT", "PATCH", "DELETE"])
    func everyVerbArrives(engine: EngineKind, verb: String) async throws {
        let session = engine.session(try await Httpbin.shared.url)
        let method = try #require(HTTPRequest.Method(verb))
        let echo = try await session.request(method, "/anything/x").requireSuccess().json(as: Echo.self)
        #expect(echo.method == verb)
    }

    @Test(arguments: EngineKind.allCases)
    func everyVerbHasAFunction(engine: EngineKind) async throws {
        let session = engine.session(try await Httpbin.shared.url)
        #expect(try await session.get("/anything").json(as: Echo.self).method == "GET")
        #expect(try await session.post("/anything").json(as: Echo.self).method == "POST")
        #expect(try await session.put("/anything").json(as: Echo.self).method == "PUT")
        #expect(try await session.patch("/anything").json(as: Echo.self).method == "PATCH")
        #expect(try await session.delete("/anything").json(as: Echo.self).method == "DELETE")
        let head = try await session.head("/anything")
        #expect(head.status == 200 && head.body.isEmpty && head.headers[.contentLength] != nil)
        let options = try await session.options("/anything")
        #expect(options.headers[.allow]?.contains("PATCH") == true)
    }

    @Test(arguments: EngineKind.allCases)
    func aHeadDoesNotSpoilTheConnection(engine: EngineKind) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        for _ in 0..<3 {
            #expect(try await session.head("/bytes/1000").body.isEmpty)
            #expect(try await session.get("/status/204").body.isEmpty)
            #expect(try await session.get("/status/304").status == 304)
            #expect(try await session.get("/bytes/10").body.count == 10)
        }
        #expect(server.counts.connections == 1)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aQueryIsEncoded(engine: EngineKind) async throws {
        let session = engine.session(try await Httpbin.shared.url)
        let echo = try await session.get("/anything?a=1", query: ["ü&=": "x y+z/%", "b": ""]).json(as: Echo.self)
        #expect(echo.args == ["a": "1", "ü&=": "x y+z/%", "b": ""])
    }

    @Test(arguments: EngineKind.allCases)
    func headersArriveAndReplaceDefaults(engine: EngineKind) async throws {
        let session = engine.session(try await Httpbin.shared.url) {
            $0.headers[.userAgent] = "mine"
            $0.headers[HTTPField.Name("X-Session")!] = "s"
        }
        let echo = try await session.get("/anything", headers: [.accept: "text/x", HTTPField.Name("X-Call")!: "c"])
            .json(as: Echo.self)
        #expect(echo.headers["User-Agent"] == "mine")
        #expect(echo.headers["X-Session"] == "s" && echo.headers["X-Call"] == "c")
        #expect(echo.headers["Accept"] == "text/x")
    }

    @Test(arguments: EngineKind.allCases)
    func everyKindOfBodyArrives(engine: EngineKind) async throws {
        let session = engine.session(try await Httpbin.shared.url)
        let text = try await session.post("/anything", text: "grüße").json(as: Echo.self)
        #expect(text.data == "grüße" && text.headers["Content-Type"]?.hasPrefix("text/plain") == true)
        let json = try await session.post("/anything", json: ["user": "tarek"]).json(as: Echo.self)
        #expect(json.data == #"{"user":"tarek"}"# && json.headers["Content-Type"] == "application/json")
        let form = try await session.post("/anything", form: ["a b": "c&d"]).json(as: Echo.self)
        #expect(form.form == ["a b": "c&d"])
        var parts = Multipart(["title": "Summer"])
        parts.addFile("photo", filename: "beach.txt", contentType: "text/plain", bytes: Array("sand".utf8))
        let multipart = try await session.post("/anything", multipart: parts).json(as: Echo.self)
        #expect(multipart.form == ["title": "Summer"] && multipart.files == ["photo": "sand"])
        let empty = try await session.post("/anything").json(as: Echo.self)
        #expect(empty.headers["Content-Length"] == "0")
    }

    @Test(arguments: EngineKind.allCases, [0, 1, 1023, 1024, 70_000, 3_000_000])
    func bodiesOfAnySizeArriveWhole(engine: EngineKind, size: Int) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        let response = try await session.put("/upload", body: [UInt8](repeating: 7, count: size))
        #expect(response.text == "taken\n")
        #expect(server.counts.bytesReceived >= size && server.counts.bytesReceived < size + 2000)
        #expect(try await session.get("/bytes/\(size)").body.count == size)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func theIssuesSignInPasses(engine: EngineKind) async throws {
        struct Token: Decodable { var token: String }
        let server = try TestServer()
        let session = engine.session(server.url)
        let answer = try await session.post("/login", json: ["user": "tarek"], name: "sign in")
        try answer.requireSuccess()
        #expect(answer.status == 200 && answer.headers[.contentType] == "application/json")
        let token = try answer.json(as: Token.self).token
        let me = try await session.get("/me", query: ["full": "1"], headers: [.authorization: "Bearer \(token)"])
        #expect(me.status == 200)
        await server.stop()
    }
}

import HTTPTypes
import LoadsSession
import LoadsTestServer
import TestSupport
import Testing

@Suite struct AuthConformanceTests {
    @Test(arguments: EngineKind.allCases)
    func basicAuthIsTakenWhenRight(engine: EngineKind) async throws {
        let nginx = try await Nginx.shared
        let session = engine.session(nginx.url)
        #expect(try await session.get("/basic/").status == 401)
        #expect(try await session.get("/basic/", auth: .basic("tarek", "wrong")).status == 401)
        #expect(try await session.get("/basic/", auth: .basic("tarek", "secret")).text == "signed in\n")
        #expect(try await session.get("http://tarek:secret@127.0.0.1:\(nginx.port)/basic/").status == 200)
    }

    @Test(arguments: EngineKind.allCases)
    func aBearerTokenIsSent(engine: EngineKind) async throws {
        let session = engine.session(try await Httpbin.shared.url) { $0.auth = .bearer("token") }
        #expect(try await session.get("/bearer").status == 200)
        #expect(try await session.get("/bearer", auth: .anonymous).status == 401)
    }

    @Test(arguments: EngineKind.allCases, ["MD5", "SHA-256"])
    func digestAnswersTheChallenge(engine: EngineKind, algorithm: String) async throws {
        let session = engine.session(try await Httpbin.shared.url)
        let path = "/digest-auth/auth/tarek/secret/\(algorithm)"
        #expect(try await session.get(path, auth: .digest("tarek", "secret")).status == 200)
        #expect(try await session.get(path, auth: .digest("tarek", "wrong")).status == 401)
        #expect(try await session.get(path).status == 401)
    }
}

@Suite struct CompressionConformanceTests {
    @Test(arguments: EngineKind.allCases, ["/gzip", "/deflate", "/brotli"])
    func compressedBodiesAreDecompressed(engine: EngineKind, path: String) async throws {
        let session = engine.session(try await Httpbin.shared.url)
        let response = try await session.get(path)
        #expect(response.text.contains("true"))
        let streamed = try await session.stream(path)
        #expect(String(decoding: try await streamed.collect(), as: UTF8.self).contains("true"))
    }

    @Test(arguments: EngineKind.allCases)
    func zstandardToo(engine: EngineKind) async throws {
        let server = try TestServer()
        let session = engine.session(server.url)
        let expected = String(repeating: "Zstandard shrinks what repeats. ", count: 3).dropLast() + "\n"
        #expect(try await session.get("/zstd").text == expected)
        #expect(await code { try await session.get("/bad-gzip") } == .body)
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func itCanBeSwitchedOff(engine: EngineKind) async throws {
        let nginx = try await Nginx.shared
        let plain = engine.session(nginx.url) { $0.decompresses = false }
        #expect(try await plain.get("/gzip.txt").headers[.contentEncoding] == nil)
        let compressed = try await engine.session(nginx.url).get("/gzip.txt")
        #expect(compressed.headers[.contentEncoding] == "gzip")
        #expect(compressed.text == String(repeating: "compressible ", count: 1000))
    }
}

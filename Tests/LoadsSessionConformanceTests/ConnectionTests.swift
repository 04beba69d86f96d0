import HTTPTypes
import LoadsSession
import LoadsTestServer
import TestSupport
import Testing

@Suite struct TLSConformanceTests {
    @Test(arguments: EngineKind.allCases)
    func aServerIsTrustedByItsAuthorityAlone(engine: EngineKind) async throws {
        let nginx = try await Nginx.shared
        let trusting = engine.session(nginx.tlsURL) { $0.tls.caFile = nginx.authority.caFile }
        #expect(try await trusting.get("/").text == Nginx.page)
        #expect(await code { try await engine.session(nginx.tlsURL).get("/") } == .tls)
        let strange = engine.session(nginx.tlsURL) { $0.tls.caFile = nginx.authority.strangerFile }
        #expect(await code { try await strange.get("/") } == .tls)
        let careless = engine.session(nginx.tlsURL) { $0.tls.verifies = false }
        #expect(try await careless.get("/").status == 200)
        let missing = engine.session(nginx.tlsURL) { $0.tls.caFile = "/nowhere.pem" }
        #expect(await code { try await missing.get("/") } == .tls)
    }

    @Test(arguments: EngineKind.allCases)
    func theNameMustMatchTheCertificate(engine: EngineKind) async throws {
        let nginx = try await Nginx.shared
        let port = nginx.tlsPort
        let session = engine.session {
            $0.tls.caFile = nginx.authority.caFile
            $0.resolve = ["blog.loads.test:\(port)": "127.0.0.1", "wrong.test:\(port)": "127.0.0.1"]
        }
        #expect(try await session.get("https://blog.loads.test:\(port)/").status == 200)
        #expect(try await session.get("https://127.0.0.1:\(port)/").status == 200)
        #expect(try await session.get("https://[::1]:\(port)/").status == 200)
        #expect(await code { try await session.get("https://wrong.test:\(port)/") } == .tls)
    }

    @Test(arguments: EngineKind.allCases)
    func aClientShowsItsCertificate(engine: EngineKind) async throws {
        let nginx = try await Nginx.shared
        let known = engine.session(nginx.clientCertificateURL) {
            $0.tls.caFile = nginx.authority.caFile
            $0.tls.certificateFile = nginx.authority.clientCertificate
            $0.tls.keyFile = nginx.authority.clientKey
        }
        #expect(try await known.get("/").status == 200)
        let unknown = engine.session(nginx.clientCertificateURL) { $0.tls.caFile = nginx.authority.caFile }
        #expect(try await unknown.get("/").status == 400)
    }

    @Test(arguments: EngineKind.allCases)
    func http2IsSpokenWhereItIsOffered(engine: EngineKind) async throws {
        let nginx = try await Nginx.shared
        let session = engine.session(nginx.http2URL) { $0.tls.caFile = nginx.authority.caFile }
        #expect(try await session.get("/").version == "HTTP/2")
        #expect(try await session.get(nginx.tlsURL + "/").version == "HTTP/1.1")
        #expect(try await session.get("/large", discardBody: true).status == 200)
        #expect(try await session.stream("/large").collect().count == 4 << 20)
        let older = engine.session(nginx.http2URL) {
            $0.tls.caFile = nginx.authority.caFile
            $0.allowsHTTP2 = false
        }
        #expect(try await older.get("/").version == "HTTP/1.1")
    }

    @Test(arguments: EngineKind.allCases)
    func plainHTTPWhereTLSIsSpokenIsAnAnswerOrAnError(engine: EngineKind) async throws {
        let server = try TestServer()
        #expect(await code { try await engine.session().get("https://127.0.0.1:\(server.port)/") } == .tls)
        await server.stop()
    }
}

@Suite struct AddressConformanceTests {
    @Test(arguments: EngineKind.allCases)
    func unixSocketsAndIPv6Work(engine: EngineKind) async throws {
        let nginx = try await Nginx.shared
        let unix = engine.session("http://blog.test") { $0.unixSocket = nginx.unixSocket }
        #expect(try await unix.get("/").text == Nginx.page)
        #expect(try await engine.session("http://[::1]:\(nginx.port)").get("/").text == Nginx.page)
        #expect(try await engine.session("http://localhost:\(nginx.port)").get("/").text == Nginx.page)
    }

    @Test(arguments: EngineKind.allCases)
    func aPinnedNameKeepsURLAndHost(engine: EngineKind) async throws {
        struct Seen: Decodable { var headers: [String: String] }
        let server = try TestServer()
        let session = engine.session("http://blog.example:\(server.port)") {
            $0.resolve = ["blog.example:\(server.port)": "127.0.0.1"]
        }
        let response = try await session.get("/echo")
        #expect(response.url == "http://blog.example:\(server.port)/echo")
        #expect(try response.json(as: Seen.self).headers["Host"] == "blog.example:\(server.port)")
        await server.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aNameWithoutAnAddressIsSaidSo(engine: EngineKind) async throws {
        #expect(await code { try await engine.session().get("http://no-such-name.invalid/") } == .resolve)
    }

    @Test(arguments: EngineKind.allCases)
    func nobodyThereIsAConnectError(engine: EngineKind) async throws {
        let port = try Ports.free()
        #expect(await code { try await engine.session().get("http://127.0.0.1:\(port)/") } == .connect)
        let unix = engine.session("http://h") { $0.unixSocket = "/nowhere/socket" }
        #expect(await code { try await unix.get("/") } == .connect)
    }

    @Test(arguments: EngineKind.allCases)
    func requestsGoThroughAProxy(engine: EngineKind) async throws {
        let nginx = try await Nginx.shared
        let proxy = try ForwardProxy()
        for scheme in ["http", "socks5", "socks5h"] {
            let session = engine.session {
                $0.proxy = "\(scheme)://127.0.0.1:\(proxy.port)"
                $0.tls.caFile = nginx.authority.caFile
            }
            #expect(try await session.get(nginx.url + "/").text == Nginx.page)
            #expect(try await session.get("https://127.0.0.1:\(nginx.tlsPort)/").text == Nginx.page)
        }
        #expect(
            proxy.requests == [
                "GET \(nginx.url)/", "CONNECT 127.0.0.1:\(nginx.tlsPort)", "SOCKS 127.0.0.1:\(nginx.port)",
                "SOCKS 127.0.0.1:\(nginx.tlsPort)", "SOCKS 127.0.0.1:\(nginx.port)", "SOCKS 127.0.0.1:\(nginx.tlsPort)",
            ])
        proxy.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aProxyResolvesNamesItself(engine: EngineKind) async throws {
        let nginx = try await Nginx.shared
        let proxy = try ForwardProxy()
        for scheme in ["http", "socks5h"] {
            let session = engine.session { $0.proxy = "\(scheme)://127.0.0.1:\(proxy.port)" }
            #expect(try await session.get("http://only-the-proxy-knows.invalid:\(nginx.port)/").text == Nginx.page)
        }
        #expect(proxy.requests.last == "SOCKS only-the-proxy-knows.invalid:\(nginx.port)")
        proxy.stop()
    }

    @Test(arguments: EngineKind.allCases)
    func aProxyThatIsNotThereIsAnError(engine: EngineKind) async throws {
        let port = try Ports.free()
        let session = engine.session { $0.proxy = "http://127.0.0.1:\(port)" }
        let found = await code { try await session.get("http://127.0.0.1:1/") }
        #expect(found == .proxy || found == .connect)
    }
}

import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsSession

@Suite struct RedirectTests {
    @Test(arguments: [
        (301, HTTPRequest.Method.get, HTTPRequest.Method.get, false), (302, .get, .get, false),
        (303, .get, .get, false),
        (301, .post, .get, true), (302, .post, .get, true), (303, .post, .get, true), (303, .put, .get, true),
        (303, .head, .head, false), (301, .put, .put, false), (302, .delete, .delete, false),
        (307, .post, .post, false), (308, .post, .post, false), (308, .put, .put, false),
    ])
    func goesOnAsTheFetchStandardSays(
        _ status: Int, _ method: HTTPRequest.Method, _ then: HTTPRequest.Method, _ dropsBody: Bool
    ) async throws {
        let script = Script(.redirect(status, to: "../there?x=1#y"), .text("here"))
        let body: [UInt8]? = method == .get || method == .head ? nil : [65]
        let response = try await script.session().request(
            method, "/a/b", headers: [.contentType: "x/y", .accept: "z"], body: body)
        let second = script.exchanges[1]
        #expect(second.method == then && second.url == "http://a.test/there?x=1")
        #expect(second.text == (dropsBody || body == nil ? nil : "A"))
        #expect(second.header("content-type") == (dropsBody ? nil : "x/y"))
        #expect(second.header("accept") == "z")
        #expect(response.url == "http://a.test/there?x=1" && response.text == "here" && response.method == then)
        #expect(response.history.map(\.url) == ["http://a.test/a/b"] && response.history[0].status.code == status)
    }

    @Test(arguments: [300, 304, 305, 306]) func leavesOtherStatusesAlone(_ status: Int) async throws {
        let response = try await Script(.redirect(status, to: "/x")).session().get("/")
        #expect(response.status.code == status && response.history.isEmpty)
    }

    @Test func returnsARedirectWithoutLocation() async throws {
        let response = try await Script(.answer(302)).session().get("/")
        #expect(response.status == 302)
    }

    @Test func followsOnlyIfWanted() async throws {
        let script = Script(.redirect(to: "/x"))
        #expect(try await script.session().get("/", followRedirects: false).status == 302)
        #expect(try await script.session(nil) { $0.followsRedirects = false }.get("http://a.test/").status == 302)
    }

    @Test func stopsAtTheLimit() async throws {
        let script = Script(.redirect(to: "/again"))
        let error = await #expect(throws: SessionError.self) {
            try await script.session { $0.maxRedirects = 3 }.get("/")
        }
        #expect(error?.code == .tooManyRedirects && script.exchanges.count == 4)
    }

    @Test(arguments: [
        ("http://a.test/x", true), ("http://b.test/x", false), ("http://a.test:81/x", false),
        ("https://a.test/x", true), ("//b.test/x", false),
    ])
    func keepsSecretsFromOtherHosts(_ location: String, _ keeps: Bool) async throws {
        let script = Script(.redirect(307, to: location), .redirect(307, to: "http://a.test/back"), .text(""))
        let session = script.session { $0.headers = [.init("X-Own")!: "1", .cookie: "session=field"] }
        _ = try await session.get("/", headers: [.authorization: "secret"])
        #expect(script.exchanges[0].header("authorization") == "secret")
        #expect(script.exchanges[0].header("cookie") == "session=field")
        #expect(script.exchanges[1].header("authorization") == (keeps ? "secret" : nil))
        #expect(script.exchanges[1].header("cookie") == (keeps ? "session=field" : nil))
        #expect(script.exchanges[1].header("x-own") == "1")
        // Once elsewhere, never again: the other host chose where to go back to.
        if !keeps { #expect(script.exchanges[2].header("authorization") == nil) }
    }

    @Test func keepsDigestFromOtherHosts() async throws {
        let script = Script(.redirect(to: "http://b.test/"), .text(""))
        _ = try await script.session { $0.auth = .digest("me", "secret") }.get("/")
        #expect(script.exchanges.map(\.connection.digestUser) == ["me", nil])
    }

    @Test func cannotRepeatAStream() async throws {
        let script = Script(.redirect(307, to: "/x"), .text(""))
        let stream = BodyStream(AsyncStream<[UInt8]> { $0.finish() })
        let error = await #expect(throws: SessionError.self) { try await script.session().post("/", stream: stream) }
        #expect(error?.code == .body && script.exchanges.count == 1)
    }

    @Test func drainsTheBodyOfARedirect() async throws {
        let stream = ScriptedStream([[1], [2]])
        let script = Script(
            .answer(302, "Location: /x\r\n", stream: stream), .answer(200, "", stream: ScriptedStream([[3]])))
        let response = try await script.session().stream("/")
        #expect(try await response.collect() == [3])
        #expect(try await stream.next() == nil)
    }

    @Test(arguments: ["ftp://a.test/", "http://"]) func refusesBadLocations(_ location: String) async throws {
        let error = await #expect(throws: SessionError.self) {
            try await Script(.redirect(to: location)).session().get("/")
        }
        #expect(error?.code == .badURL && error?.message.contains("http://a.test/") == true)
    }
}

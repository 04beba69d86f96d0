import Testing

@testable import LoadsTestServer

@Suite struct ScriptTests {
    private func answer(
        _ target: String, method: String = "GET", headers: String = "", body: String = "", age: Int64 = 0,
        chance: Double = 0
    ) -> Answer {
        let head = RequestHead(method: method, target: target, lines: Array(headers.utf8))
        return Script.answer(to: head, body: Array(body.utf8), Script.Surroundings(age: age, chance: chance))
    }

    private func text(_ answer: Answer) -> String {
        answer.steps.map { if case .send(let bytes) = $0 { String(decoding: bytes, as: UTF8.self) } else { "" } }
            .joined()
    }

    @Test func theBlogIsAboutOneKibibyteByTarek() {
        let page = text(answer("/"))
        #expect(page.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(page.contains("Tarek"))
        #expect((900...1200).contains(Page.blog.utf8.count))
    }

    @Test func signingInGivesATokenThatMeTakes() {
        let login = text(answer("/login", method: "POST", body: #"{"user":"tarek"}"#))
        #expect(login.contains("Content-Type: application/json\r\n"))
        #expect(login.hasSuffix(#"{"token":"demo-token"}"#))
        #expect(text(answer("/me?full=1", headers: "Authorization: Bearer demo-token\r\n")).contains("200 OK"))
        #expect(text(answer("/me?full=1")).contains("401"))
        #expect(text(answer("/login")).contains("405"))
        #expect(text(answer("/login", method: "POST", body: "{}")).contains("400"))
    }

    @Test(arguments: [
        ("/status/200", "200 OK"), ("/status/418", "418 I'm"), ("/status/599", "599 "),
        ("/redirect/2", "Location: /redirect/1\r\n"),
        ("/redirect/1?status=307", "HTTP/1.1 307"), ("/redirect/1?status=307", "Location: /redirect/0?status=307\r\n"),
        ("/redirect/0", "arrived by GET"), ("/redirect-to?url=http%3A%2F%2Fa%2Fb", "Location: http://a/b\r\n"),
        ("/headers?X-A=1&Set-Cookie=a%3Db", "Set-Cookie: a=b\r\n"), ("/cookies/set?a=b", "Set-Cookie: a=b; Path=/\r\n"),
        ("/chunked/2", "8\r\nchunk 0\n\r\n8\r\nchunk 1\n\r\n0\r\n\r\n"), ("/counts", #""requests":0"#),
        ("/echo?q=\"", #""target":"/echo?q=\""#), ("/bytes/5", "Content-Length: 5\r\n"),
    ])
    func answersByThePath(target: String, part: String) {
        #expect(text(answer(target)).contains(part))
    }

    @Test(arguments: [
        "/nothing", "/status/99", "/status/x", "/status", "/delay", "/delay/-1", "/delay/x", "/mixed/", "/mixed/1",
        "/mixed/1:0",
        "/mixed/1:x", "/stall/1", "/stall/3/2", "/drip/1", "/drip/x/1", "/bytes/-1", "/bytes/99999999999999999999",
        "/chunked/1000000", "/redirect/-1", "/redirect-to", "/redirect-to?url=a%0D%0Ab", "/early/9", "//",
    ])
    func whatItDoesNotKnowIsNotFound(target: String) {
        #expect(text(answer(target)).hasPrefix("HTTP/1.1 404"))
    }

    @Test(arguments: [(0.0, 1), (0.49, 1), (0.5, 20), (0.79, 20), (0.8, 300), (0.99, 300)])
    func aMixtureDrawsByWeight(chance: Double, delay: Int) {
        #expect(answer("/mixed/1:50,20:30,300:20", chance: chance).steps.first == .wait(.milliseconds(delay)))
    }

    @Test(arguments: [
        (0, nil), (1_999_999_999, nil), (2_000_000_000, 1500), (3_400_000_000, 100), (3_500_000_000, nil),
    ])
    func aStallHoldsEverybodyUntilItsEnd(age: Int64, delay: Int?) {
        let first = answer("/stall/2/3.5", age: age).steps.first
        if let delay { #expect(first == .wait(.milliseconds(delay))) } else { #expect(first?.isSend == true) }
    }

    @Test func headHasTheHeadersAndNoBody() {
        for target in ["/", "/bytes/5", "/chunked/2", "/echo", "/drip/10/1"] {
            let steps = answer(target, method: "HEAD").steps
            #expect(steps.count == 1)
            #expect(text(answer(target, method: "HEAD")).hasSuffix("\r\n\r\n"), "\(target)")
        }
    }

    @Test func aResponseWithoutBodyTellsNoLength() {
        #expect(!text(answer("/status/204")).contains("Content-Length"))
    }
}

extension Step {
    fileprivate var isSend: Bool { if case .send = self { true } else { false } }
}

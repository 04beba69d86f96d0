import LoadsEventLoop
import Testing

@testable import LoadsSession

@Suite(.eachEngine) struct DigestTests {
    /// Challenges once, then takes any answer that names the user.
    private func guarded(_ journal: Journal, always: Bool = false, scheme: String = "Digest") -> ScriptedServer {
        ScriptedServer { connection in
            while let request = connection.request() {
                journal.add("\(request.line) \(request.body.count)")
                if !always, request.head.contains("Authorization: Digest username=\"tarek\"") {
                    connection.respond("welcome", headers: "X-Final: 1\r\n")
                } else {
                    connection.respond(
                        "go away", status: "401 Unauthorized",
                        headers: "WWW-Authenticate: \(scheme) realm=\"r\", nonce=\"abc\", qop=\"auth\"\r\n")
                }
            }
        }
    }

    @Test func aChallengeIsAnsweredAndCounted() async throws {
        let journal = Journal()
        let server = guarded(journal)
        let url = server.url
        try await Client.with { client async throws in
            for requests in [2, 1] {
                let result = try await client.get(url + "/a") {
                    $0.method = .post
                    $0.body = .bytes([1, 2, 3])
                    $0.connection.digestUser = "tarek"
                    $0.connection.digestPassword = "secret"
                }
                #expect(result.status == 200 && result.text == "welcome")
                #expect(result.requests == requests)
                #expect(result.headText.contains("X-Final") && !result.headText.contains("WWW-Authenticate"))
            }
            #expect(try await client.get(url).status == 401)
        }
        #expect(journal.lines.prefix(3).last == "POST /a HTTP/1.1 3")
    }

    @Test func aStreamedBodyWaitsForTheAnswer() async throws {
        let server = guarded(Journal())
        let url = server.url
        try await Client.with { client async throws in
            let source = Journal()
            let result = try await client.get(url) {
                $0.method = .put
                $0.connection.digestUser = "tarek"
                $0.connection.digestPassword = "secret"
                $0.receive = .stream
                $0.body = .stream(length: 3) {
                    defer { source.add("asked") }
                    return source.lines.isEmpty ? [1, 2, 3] : nil
                }
            }
            #expect(result.status == 200)
            #expect(try await result.stream?.rest() == Array("welcome".utf8))
        }
    }

    @Test(arguments: ["Digest", "Basic"]) func aRefusalIsAResponse(scheme: String) async throws {
        let server = guarded(Journal(), always: true, scheme: scheme)
        let url = server.url
        try await Client.with { client async throws in
            for receive in [ReceiveMode.whole(limit: 100), .stream, .discard] {
                let result = try await client.get(url) {
                    $0.connection.digestUser = "tarek"
                    $0.connection.digestPassword = "wrong"
                    $0.receive = receive
                }
                #expect(result.status == 401)
                if case .whole = receive { #expect(result.text == "go away") }
                if case .stream = receive { #expect(try await result.stream?.rest() == Array("go away".utf8)) }
            }
        }
    }
}

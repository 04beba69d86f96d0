import LoadsSession
import Testing

// Imports what a user's test imports, and nothing more: that it compiles is half the test.
private struct Token: Decodable { var token: String }

@Suite struct UserCodeTests {
    /// The code of a user's suite, never run against a server here.
    private func signIn(_ session: Session) async throws {
        let response = try await session.get("/")
        #expect(response.text.contains("Tarek"))
        let answer = try await session.post("/login", json: ["user": "tarek"], name: "sign in")
        try answer.requireSuccess()
        #expect(answer.status == 200 && answer.headers[.contentType] == "application/json")
        let token = try answer.json(as: Token.self).token
        _ = try await session.get("/me", query: ["full": "1"], headers: [.authorization: "Bearer \(token)"])
        let missing = try await session.get("/none", accepting: [404, .range(500...599)], auth: .anonymous)
        #expect(missing.text == "" && missing.text.hasPrefix("") && String(missing.text).isEmpty)
        let text: String = missing.text
        #expect(text.isEmpty)
    }

    @Test func saysWhatToDoWithoutAServer() async throws {
        let error = try await #require(throws: SessionError.self) { try await signIn(Session()) }
        #expect(error.code == .badURL)
        #expect(error.message.contains("LOADS_SERVER_URL"))
    }
}

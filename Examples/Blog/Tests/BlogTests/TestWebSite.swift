import LoadsSession
import Testing

@Suite struct TestWebSite {
    let session = Session()  // or Session(baseURL: "https://example.org")

    @Test func something() async throws {
        let response = try await session.get("/")
        #expect(response.text.contains("Tarek"))
    }

    @Test func signIn() async throws {
        let answer = try await session.post("/login", json: ["user": "tarek"], name: "sign in")
        try answer.requireSuccess()
        #expect(answer.status == 200 && answer.headers[.contentType] == "application/json")
        let token = try answer.json(as: Token.self).token
        _ = try await session.get("/me", query: ["full": "1"], headers: [.authorization: "Bearer \(token)"])
    }
}

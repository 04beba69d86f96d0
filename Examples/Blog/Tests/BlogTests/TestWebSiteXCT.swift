import LoadsSession
import XCTest

final class TestWebSiteXCT: XCTestCase {
    let session = Session()

    func testSomething() async throws {
        let response = try await session.get("/")
        XCTAssertTrue(response.text.contains("Tarek"))
    }

    func testSignIn() async throws {
        let answer = try await session.post("/login", json: ["user": "tarek"], name: "sign in")
        try answer.requireSuccess()
        XCTAssertEqual(answer.status, 200)
        let token = try answer.json(as: Token.self).token
        _ = try await session.get("/me", query: ["full": "1"], headers: [.authorization: "Bearer \(token)"])
    }
}

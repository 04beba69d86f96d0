import LoadsSession
import Testing

@Suite struct Pages {
    let session = Session()

    @Test func front() async throws { try await session.get("/").requireSuccess() }

    @Test func large() async throws { try await session.get("/large").requireSuccess() }

    /// Two redirects, then the page: three requests, one hit.
    @Test func moved() async throws {
        let response = try await session.get("/moved")
        #expect(response.history.count == 2)
    }

    /// A hit, and an iteration without an end.
    @Test func lingers() async throws {
        try await session.get("/").requireSuccess()
        try await Task.sleep(for: .seconds(600))
    }
}

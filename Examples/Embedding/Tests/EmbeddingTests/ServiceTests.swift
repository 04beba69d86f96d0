import LoadsSession
import LoadsTestServer
import Testing

/// Tests of a client against a server that misbehaves on demand.
@Suite struct ServiceTests {
    @Test func waitsForSlowAnswers() async throws {
        let server = try TestServer()
        let response = try await Session(baseURL: server.url).get("/delay/50")
        #expect(response.status == 200 && response.elapsed >= .milliseconds(50))
        #expect(server.requests == 1)
        await server.stop()
    }

    @Test func saysThatTheServerClosed() async throws {
        let server = try TestServer()
        let error = await #expect(throws: SessionError.self) {
            _ = try await Session(baseURL: server.url).get("/close-mid-body")
        }
        #expect(error?.code == .reset)
        await server.stop()
    }
}

import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// `Examples/Embedding` is built, its tests pass, and its program does what the guide says. Under `bin/test` only: it is a
/// build of a minute or two.
@Suite(
    .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["LOADS_TEST_BINARY"] != nil, "only bin/test builds the example"))
struct EmbeddingTests {
    static let package = Program.repository + "/Examples/Embedding"
    static let scratch = package + "/.build-embedding"

    /// Builds the program and its tests, once.
    private static let build = Task { () -> ChildProcess.Outcome in
        try await ChildProcess.run(
            [
                "swift", "build", "--build-tests", "--package-path", package, "--scratch-path", scratch,
                "--disable-build-manifest-caching",
            ], timeout: .seconds(1_200))
    }

    private func built() async throws {
        let build = try await Self.build.value
        try #require(build.status == 0, "\(build.output)\(build.errors)")
    }

    @Test func itsTestsPass() async throws {
        try await built()
        let outcome = try await ChildProcess.run(
            [
                "swift", "test", "--skip-build", "--package-path", Self.package, "--scratch-path", Self.scratch,
            ], timeout: .seconds(900))
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("3 tests"), "\(outcome.output)")
    }

    @Test(arguments: [
        ("fetch", "200, "), ("load", "200 of 200 iterations ok"), ("arrive", "150 of 150 arrivals, 0 dropped"),
        ("conduct", "10 users for 2s"),
    ])
    func itsProgramRuns(_ what: String, _ says: String) async throws {
        try await built()
        let server = try TestServer()
        let outcome = try await ChildProcess.run([Self.scratch + "/debug/embedding", what, server.url + "/"])
        await server.stop()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains(says), "\(outcome.output)\(outcome.errors)")
        #expect(server.requests > 0)
    }
}

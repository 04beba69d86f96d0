import Foundation
import LoadsSession
import Testing
import XCTest

@Suite struct Bodies {
    let session = Session()

    @Test func blocks() async throws {
        try await session.get("/").requireSuccess()
        // Not beside a call of the session: what names the test must not depend on it.
        try await Task.sleep(for: .milliseconds(1))
        usleep(40_000)
        try await Task.sleep(for: .milliseconds(1))
    }

    @Test func awaits() async throws {
        try await session.get("/").requireSuccess()
        try await Task.sleep(for: .milliseconds(40))
    }
}

final class BodiesXCT: XCTestCase {
    func testBlocks() { usleep(40_000) }
}

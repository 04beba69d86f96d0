import LoadsSession
import LoadsTesting
import Testing
import XCTest

/// Says on the server what it does, and hands a word over.
enum Door: RunSetUp {
    struct Key: Codable, Sendable {
        var word: String
    }

    static func setUp() async throws -> Key {
        try await Session().get("/", query: ["opened": "door"]).requireSuccess()
        return Key(word: "sesame-\(Int.random(in: 1...1_000_000))")
    }

    static func tearDown(_ key: Key) async throws {
        try await Session().get("/", query: ["closed": key.word]).requireSuccess()
    }
}

/// The shop is closed.
enum Closed: RunSetUp {
    static func setUp() async throws -> Int {
        // nginx has no such page.
        try await Session().get("/nowhere", query: ["opened": "closed"]).requireSuccess()
        return 1
    }
}

/// What cannot be undone.
enum Stuck: RunSetUp {
    struct IsStuck: Error {}
    static func setUp() async throws -> Int { 1 }
    static func tearDown(_ value: Int) async throws { throw IsStuck() }
}

@Suite(.setUp(Door.self)) struct Once {
    let session = Session()

    @Test func enters() async throws {
        try await session.get("/", query: ["entered": Door.value.word], name: "enter").requireSuccess()
    }

    @Test func staysFor() async throws {
        try await session.get("/", query: ["entered": Door.value.word], name: "enter").requireSuccess()
        try await Task.sleep(for: .seconds(600))
    }

    @Test(.setUp(Closed.self)) func isClosed() async throws {
        try await session.get("/", query: ["entered": "\(Closed.value)"]).requireSuccess()
    }

    @Test(.setUp(Stuck.self)) func cannotBeUndone() async throws {
        try await session.get("/", query: ["entered": Door.value.word]).requireSuccess()
    }
}

final class OnceXCT: XCTestCase, RunSetUpUser {
    static let runSetUps: [any RunSetUp.Type] = [Door.self]

    func testEnters() async throws {
        try await Session().get("/", query: ["entered": Door.value.word], name: "enter").requireSuccess()
    }
}

/// What is done once for a whole run, however many users and agents it has, and undone once at its end.
///
/// ```swift
/// enum Shop: RunSetUp {
///     static func setUp() async throws -> String {
///         try await Session().post("/shops", json: ["name": "load test"]).requireSuccess().json(as: Created.self).id
///     }
///     static func tearDown(_ id: String) async throws { try await Session().delete("/shops/\(id)").requireSuccess() }
/// }
///
/// @Suite(.setUp(Shop.self)) struct Checkout {
///     @Test func buys() async throws { let id = try await Shop.value … }
/// }
/// ```
///
/// Under `loads` the set-up runs in a process of its own on one agent, before any user starts anywhere; its value travels to
/// all users. If it throws, or takes longer than five minutes, the run ends with its error before any load. The tear-down
/// runs once after the last user has ended everywhere, also after an abort, for at most a minute.
///
/// In a plain `swift test` the set-up runs in the test process before the first test that wants it. The tear-down runs after
/// the suite; with XCTest after all tests.
///
/// An XCTestCase says what it wants by ``RunSetUpUser``.
public protocol RunSetUp: Sendable {
    /// What the users need to know; it travels as JSON.
    associatedtype Value: Codable & Sendable

    /// Prepares what all users need.
    ///
    /// - Returns: What they need to know of it: at most 256 KiB as JSON.
    static func setUp() async throws -> Value

    /// Undoes what ``setUp()`` has done.
    static func tearDown(_ value: Value) async throws
}

extension RunSetUp {
    /// Undoes nothing: a set-up that leaves nothing behind needs no tear-down.
    public static func tearDown(_ value: Value) async throws {}

    /// What the set-up of this run has returned.
    ///
    /// - Throws: What the set-up threw, in a plain `swift test`; under `loads` ``MissingSetUp`` if no test of the run asks for
    ///   it.
    public static var value: Value {
        get async throws { try await SetUps.shared.value(of: self) }
    }
}

/// A test class of XCTest that needs what set-ups prepare.
public protocol RunSetUpUser {
    /// In this order; torn down in the other.
    static var runSetUps: [any RunSetUp.Type] { get }
}

/// A test has asked for the value of a set-up that its run does not have.
public struct MissingSetUp: Error, CustomStringConvertible {
    public let description: String
}

import Foundation
import Synchronization
import Testing

/// Counts instances, to show that each iteration has its own.
enum Count {
    static let instances = Atomic<Int>(0)
    static let scopes = Atomic<Int>(0)
}

struct Mishap: Error {}

/// A scope of the user's own.
struct Fixture: SuiteTrait, TestTrait, TestScoping {
    @TaskLocal static var value = "none"
    let isRecursive: Bool
    func provideScope(for test: Test, testCase: Test.Case?, performing function: () async throws -> Void) async throws {
        Count.scopes.add(1, ordering: .relaxed)
        try await Self.$value.withValue("\(isRecursive ? "case" : "suite")") { try await function() }
    }
}

@Suite struct Kinds {
    var calls = 0

    init() async throws { Count.instances.add(1, ordering: .relaxed) }

    @Test mutating func fresh() async throws {
        calls += 1
        #expect(calls == 1)
        await Task.yield()
    }

    @Test func synchronous() { #expect(Bool(true)) }

    @Test(arguments: 1...3) func parameterized(number: Int) { #expect(number < 4) }

    @Test func knowsItsTest() { #expect(Test.current?.name == "knowsItsTest()") }

    @Test func alsoKnowsItsTest() { #expect(Test.current?.name == "alsoKnowsItsTest()") }

    @Test func known() { withKnownIssue { #expect(Bool(false)) } }

    @Test(.disabled("not today")) func disabled() { #expect(Bool(false)) }

    @Test(.enabled(if: false)) func notEnabled() {}

    @Test(.timeLimit(.minutes(1))) func limited() async throws { try await Task.sleep(for: .milliseconds(1)) }

    @Test func confirms() async { await confirmation { $0() } }
}

/// What fails on purpose: only under `KINDS_FAIL`, so that `swift test` passes.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["KINDS_FAIL"] != nil)) struct Failing {
    @Test func expectation() { #expect(1 + 1 == 3, "arithmetic") }
    @Test func throwing() throws { throw Mishap() }
    @Test func requirement() throws { _ = try #require(nil as Int?) }
    @Test func cancelling() throws { try Test.cancel("enough") }
    @Test func orphan() async { await Task.detached { #expect(Bool(false)) }.value }
    @Test func child() async {
        async let child: Void = fail()
        await child
    }
    @Test func unstructured() async { await Task { #expect(Bool(false)) }.value }
    @Test func warns() { Issue.record("only a warning", severity: .warning) }
    @Test(arguments: [1, 2, 3, 4]) func oneOfFour(number: Int) { #expect(number != 4) }
    func fail() async { #expect(Bool(false)) }
    @Test func crash() async throws {
        // Some batches later: what was measured before is on its way.
        try await Task.sleep(for: .seconds(3))
        fatalError("on purpose")
    }
}

@Suite(.serialized) struct Serial {
    @Test(arguments: 1...5) func each(number: Int) async throws { try await Task.sleep(for: .milliseconds(1)) }
    @Test func another() {}
}

@Suite(Fixture(isRecursive: false)) struct Scoped {
    @Test func seesTheSuite() { #expect(Fixture.value == "suite") }

    @Suite struct Inner {
        @Test(Fixture(isRecursive: true)) func seesTheCase() { #expect(Fixture.value == "case") }
        @Test func seesTheSuiteToo() { #expect(Fixture.value == "suite") }
    }
}

@MainActor @Suite struct OnMain {
    @Test func synchronous() { MainActor.assertIsolated() }
    @Test func asynchronous() async { await Task.yield() }
}

@Test func free() async { await Task.yield() }

@Test func `a raw name`() {}

@Test(arguments: [Int]()) func noCases(number: Int) {}

/// What takes its time: to be interrupted. Disabled, so that `swift test` is quick.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["KINDS_SLOW"] != nil)) struct Slow {
    @Test(arguments: 1...2) func sleeps(number: Int) async throws { try await Task.sleep(for: .seconds(60)) }
}

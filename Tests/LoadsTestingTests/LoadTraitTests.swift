import LoadsCore
import LoadsTesting
import Synchronization
import Testing

/// What the instances of the suites under load have seen.
private enum Seen {
    static let instances = Atomic<Int>(0)
    static let users = Mutex<Set<Int>>([])
}

@Suite(.load(users: 3, iterations: 4)) struct SuiteUnderLoad {
    init() { Seen.instances.add(1, ordering: .relaxed) }

    @Test func runsInIterationsOfItsOwn() throws {
        let context = try #require(IterationContext.current)
        #expect(context.number < 4)
        Seen.users.withLock { _ = $0.insert(context.user.number) }
    }

    @Suite(.load(users: 1)) struct Inner {
        @Test func obeysTheOuterLoad() throws { #expect(try #require(IterationContext.current).number < 4) }
    }
}

@Suite struct LoadTraitTests {
    /// Runs a body as the trait would run a test's.
    private func run(
        _ trait: LoadTrait = .load(users: 2, iterations: 5), _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await trait.provideScope(for: try #require(Test.current), testCase: nil, performing: body)
    }

    @Test func runsEachIterationOfEachUser() async throws {
        let calls = Mutex<[Int: Int]>([:])
        try await run {
            let user = try #require(IterationContext.current).user.number
            calls.withLock { $0[user, default: 0] += 1 }
        }
        #expect(calls.withLock { $0 } == [0: 5, 1: 5])
    }

    /// The issues that a body recorded.
    private func issues(_ body: @escaping @Sendable () async throws -> Void) async throws -> [String] {
        let issues = Mutex<[String]>([])
        let trait = IssueHandlingTrait.compactMapIssues { issue in
            issues.withLock { $0.append("\(issue)") }
            return nil
        }
        try await trait.provideScope(for: try #require(Test.current), testCase: nil, performing: body)
        return issues.withLock { $0 }
    }

    @Test func failsTheTestOnceForEachPlace() async throws {
        let issues = try await issues {
            try await run {
                #expect(Bool(false))
                #expect(1 == 2)
            }
        }
        #expect(issues.count == 2)
        #expect(
            issues.allSatisfy { $0.contains("LoadTraitTests.swift") && $0.contains("10 failures in 10 iterations") })
    }

    @Test func failsWithErrorsOfTheBody() async throws {
        struct Mishap: Error {}
        let issues = try await issues { try await run { throw Mishap() } }
        #expect(issues.count == 1)
        #expect(issues.first?.contains("threw Mishap") == true)
    }

    @Test func knownIssuesAndSkipsAreNoFailures() async throws {
        try await run { withKnownIssue { #expect(Bool(false)) } }
        try await run { try Test.cancel("enough") }
    }
}

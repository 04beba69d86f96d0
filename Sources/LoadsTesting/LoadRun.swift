import LoadsCore
import LoadsRunner
import LoadsSession
import LoadsWire
import Testing
import XCTest

/// One order carried out: finds the wanted tests, brings them on, lets the runner drive them, sees them off.
@MainActor
struct LoadRun {
    let order: RunnerOrder
    let connection: RunnerConnection
    let cases: [CaseScenario]

    func run() async {
        if order.options["debug"] != nil {
            Session.observeFirstIteration(ofUser: order.plan.firstUser) { [connection] in connection.note($0) }
        }
        let all = await TestDiscovery.allTests()
        let wanted = Set(order.scenarios)
        let functions = TestIdentifier.all(of: all).filter { wanted.contains($0.identifier) }
        let cases = cases.filter { wanted.contains($0.identifier) }

        let known = Set(functions.map(\.identifier)).union(cases.map(\.identifier))
        let unknown = order.scenarios.filter { !known.contains($0) }
        guard unknown.isEmpty else {
            return connection.refuse(code: 69, message: "no such test: \(unknown.joined(separator: ", "))")
        }

        let (enabled, disabled) = await Conditions(tests: all).sort(functions)
        for reason in disabled { connection.note("not run: \(reason)") }
        guard !enabled.isEmpty || !cases.isEmpty else {
            let reasons = disabled.isEmpty ? "the order names no test" : disabled.joined(separator: "; ")
            return connection.refuse(code: 69, message: "nothing to run: \(reasons)")
        }
        do {
            try await carryOut(enabled, of: all, cases)
        } catch {
            connection.refuse(code: 70, message: "the value of the set-up cannot be read: \(error)")
        }
    }

    private func carryOut(
        _ functions: [(identifier: String, test: Test)], of all: [Test], _ cases: [CaseScenario]
    ) async throws {
        let setUps = WantedSetUps.of(functions.map(\.test), in: all, Self.unique(cases.map(\.testClass)))
        switch order.phase {
        case .run:
            try SetUps.shared.take(order.value)
            await perform(functions, of: all, cases)
        case .setUp:
            await once { try await SetUps.perform(setUps) }
        case .tearDown:
            try SetUps.shared.take(order.value)
            await once {
                try await SetUps.shared.undo(setUps)
                return nil
            }
        }
    }

    /// Does what is done once for the run, where sessions know the run's server all the same.
    private func once(_ body: @escaping @Sendable () async throws -> [UInt8]?) async {
        let server = order.plan.serverURL
        await connection.perform { try await RunServer.$current.withValue(server, operation: body) }
    }

    private func perform(
        _ functions: [(identifier: String, test: Test)], of all: [Test], _ cases: [CaseScenario]
    ) async {
        let testRun = functions.isEmpty ? nil : TestRun.start(functions, of: all)
        let parked = await testRun?.stage.gathered() ?? []
        guard !parked.isEmpty || !cases.isEmpty else {
            let names = functions.map(\.identifier).joined(separator: ", ")
            return connection.refuse(code: 69, message: "nothing to run: \(names) has no cases")
        }

        let classes = Self.unique(cases.map(\.testClass))
        for testClass in classes { testClass.setUp() }
        let allReleased = await Drive(connection: connection, parked: parked, cases: cases).run()
        for testClass in classes.reversed() { testClass.tearDown() }
        // A scope that cannot be left is ended with the process.
        if allReleased { await testRun?.finished() }
    }

    private static func unique(_ classes: [XCTestCase.Type]) -> [XCTestCase.Type] {
        var seen: Set<ObjectIdentifier> = []
        return classes.filter { seen.insert(ObjectIdentifier($0)).inserted }
    }
}

import Foundation
import TestSupport
import Testing

/// In a plain `swift test` a package behaves the same with and without LoadsTesting.
@Suite(.blocking) struct InertnessTests {
    /// What a run of the fixture's tests says, without what differs from run to run.
    private func output(of executable: String, _ arguments: [String], failing: Bool) -> (code: Int32, lines: [String]) {
        let environment = failing ? ["KINDS_FAIL": "1"] : [:]
        let (code, output) = FixturePackage.run([executable] + arguments, environment: environment)
        let lines = output.split(separator: "\n").map { line in
            String(line)
                .replacing(/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+/, with: "TIME").replacing(/[0-9]+\.[0-9]+/, with: "N")
        }
        return (code, lines)
    }

    @Test(arguments: [false, true])
    func swiftTestingSaysTheSame(failing: Bool) throws {
        let arguments = ["--testing-library", "swift-testing", "--no-parallel", "--skip", "crash"]
        let with = try output(of: FixturePackage.withLoads.get(), arguments, failing: failing)
        let without = try output(of: FixturePackage.withoutLoads.get(), arguments, failing: failing)
        #expect(with.code == (failing ? 1 : 0))
        #expect(with.code == without.code)
        #expect(with.lines.contains { $0.contains("Test fresh() passed") })
        #expect(with.lines == without.lines)
    }

    @Test(arguments: [false, true])
    func xcTestSaysTheSame(failing: Bool) throws {
        let with = try output(of: FixturePackage.withLoads.get(), [], failing: failing)
        let without = try output(of: FixturePackage.withoutLoads.get(), [], failing: failing)
        #expect(with.code == (failing ? 1 : 0))
        #expect(with.code == without.code)
        #expect(with.lines.contains { $0.contains("XCTKinds.testAsynchronous' passed") })
        #expect(with.lines == without.lines)
    }
}

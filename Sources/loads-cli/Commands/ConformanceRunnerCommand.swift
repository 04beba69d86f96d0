import ArgumentParser
import LoadsCore
import LoadsRunner
import LoadsWire

/// `loads runner-conformance`: the runner of the dialect `messages` that `loads conformance` lets agents start. Not for
/// people.
struct ConformanceRunnerCommand: AsyncParsableCommand {
    static let name = "runner-conformance"
    static let configuration = CommandConfiguration(
        commandName: name, abstract: "A runner that does nothing; started by an agent.", shouldDisplay: false)

    func run() async throws {
        do {
            let connection = try RunnerConnection.open(kind: "conformance")
            _ = try connection.order()
            await connection.run(scenarios: [Scenario(name: "nothing") { _ in .ok }])
        } catch {
            throw Refusal(.fault, "\(error)")
        }
    }
}

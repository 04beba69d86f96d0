import ArgumentParser
import Foundation
import LoadsCore
import LoadsRunner
import LoadsSession
import LoadsWire

/// `loads runner-url`: the process that an agent starts for a URL. Not for people.
struct URLRunnerCommand: AsyncParsableCommand {
    static let name = "runner-url"
    static let configuration = CommandConfiguration(
        commandName: name, abstract: "The runner of URL targets; started by an agent.", shouldDisplay: false)

    func run() async throws {
        do {
            let connection = try RunnerConnection.open(kind: "url")
            let order = try connection.order()
            guard let scenario = URLScenario(order) else {
                connection.refuse(code: 70, message: "the URL runner was started without a URL: a fault of loads")
                Foundation.exit(ExitStatus.fault.rawValue)
            }
            if order.options["debug"] != nil {
                Session.observeFirstIteration(ofUser: order.plan.firstUser) { connection.note($0) }
            }
            await connection.run(scenarios: [scenario.scenario])
        } catch {
            throw Refusal(.fault, "\(error)")
        }
    }
}

import ArgumentParser
import Foundation
import LoadsCore
import LoadsURLRunner

/// `loads url-runner`: the process that an agent starts for a URL. Not for people.
struct URLRunnerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: URLRunner.argument, abstract: "The runner of URL targets; started by an agent.",
        shouldDisplay: false)

    func run() async throws {
        do {
            if try await !URLRunner.serve() { Foundation.exit(ExitStatus.fault.rawValue) }
        } catch {
            throw Refusal(.fault, "\(error)")
        }
    }
}

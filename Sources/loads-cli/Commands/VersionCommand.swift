import ArgumentParser
import LoadsCore

/// `loads version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    /// The package's.
    static let version = Release.version

    func run() { print("loads \(Self.version)") }
}

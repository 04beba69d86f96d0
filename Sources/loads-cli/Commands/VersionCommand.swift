import ArgumentParser

/// `loads version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    /// The package's.
    static let version = "0.1.0"

    func run() { print("loads \(Self.version)") }
}

/// Why a package's tests cannot be run.
public struct PackageError: Error, Sendable, CustomStringConvertible {
    /// The exit code that says so: 64 wrong usage, 65 the package does not build, 69 no such test.
    public let exitCode: Int
    /// What happened, to what, and what to do next.
    public let message: String

    /// - Parameter exitCode: Of the `loads` command: 64, 65 or 69.
    public init(exitCode: Int, message: String) {
        self.exitCode = exitCode
        self.message = message
    }

    public var description: String { message }
}

/// Why a feeder has no row to give.
public struct DataError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of reasons.
    public enum Code: Sendable, Equatable {
        /// The file cannot be read.
        case file
        /// What is in it is wrong: ``DataError/problems`` says where.
        case content
        /// A row has no field of that name.
        case field
        /// All rows are used up, and the feeder was told to fail then.
        case exhausted
        /// All rows are used up, and the feeder was told to stop then. Thrown out of a test it skips the iteration.
        case stopped
    }

    /// The kind of reason.
    public var code: Code
    /// What happened, to what, and what to do.
    public var message: String
    /// What is wrong in the file, each with file and line: `users.csv:17: 3 fields, but the header has 4`. At most
    /// ``problemLimit``.
    public var problems: [String]

    /// Problems that are listed at most.
    public static let problemLimit = 20

    /// - Parameter message: What happened, to what, and what to do.
    public init(code: Code, message: String, problems: [String] = []) {
        self.code = code
        self.message = message
        self.problems = problems
    }

    public var description: String { ([message] + problems).joined(separator: "\n") }
}

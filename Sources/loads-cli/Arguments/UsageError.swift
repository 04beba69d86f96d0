/// What is wrong with a command line, all of it at once.
struct UsageError: Error, Equatable, CustomStringConvertible {
    var problems: [String]
    init(_ problems: [String]) { self.problems = problems }
    var description: String { problems.joined(separator: "\n") }
}

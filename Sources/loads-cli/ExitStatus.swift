import LoadsCore

/// The exit codes, as `Docs/CommandLine.md` documents them.
enum ExitStatus: Int32 {
    case passed = 0
    case failures = 1
    case usage = 64
    case doesNotBuild = 65
    case nothingToRun = 69
    case fault = 70
    case crashed = 71
    case interrupted = 130

    /// How a run that started ended, the gravest first.
    ///
    /// - Parameter outputsFailed: Whether a file that was asked for is not complete.
    init(_ summary: Summary, outputsFailed: Bool) {
        let statistics = summary.statistics
        // A failure that lost its iteration is nobody's, but it is a failure.
        let failed =
            summary.isURLTarget
            ? statistics.hits.failed > 0 || statistics.iterations.failed > 0
            : statistics.iterations.failed > 0 || statistics.health.orphanFailures > 0
        self =
            if summary.interrupted {
                .interrupted
            } else if outputsFailed {
                .fault
            } else if summary.crash != nil {
                .crashed
            } else if failed {
                .failures
            } else {
                .passed
            }
    }
}

/// A run that ends before it starts: the exit code, and what to tell the user.
struct Refusal: Error {
    var status: Int32
    var message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status.rawValue
        self.message = message
    }

    init(code: Int, message: String) {
        status = Int32(clamping: code)
        self.message = message
    }
}

public import LoadsCore

/// How a runner ended.
public enum RunnerEnd: Sendable, Equatable {
    /// `seconds` is the time from the start to the last iteration's end.
    case finished(interrupted: Bool, seconds: Double)
    /// It could not do what was asked; nothing was run.
    case refused(code: Int, message: String)
    /// It ended although its run was not over, and had not said so.
    case crashed(RunnerCrash)
}

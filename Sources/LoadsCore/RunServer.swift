/// The server of the run whose set-up or tear-down the current task does: users, whose plan names it, are not there.
public enum RunServer {
    /// The run's `--server-url`; nil where none was named, and for everything else.
    @TaskLocal public static var current: String?
}

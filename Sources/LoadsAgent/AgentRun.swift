import LoadsEventLoop
import LoadsWire

/// One run on an agent: what is known of it, and its process.
struct AgentRun {
    var watch: RunWatch
    var process: (any RunnerChannel)?
    /// When the runner is killed, and why.
    var deadline: Instant?
    var deadlineReason = ""
    /// Files that are not here yet.
    var missing: [RunnerLaunch.File] = []
    /// Whether the content of files that lay here is being looked at.
    var isChecking = false
    var folder: String?
    var gate = BatchGate()
    /// When the master was told last how much is missing.
    var told: Instant?

    init(_ watch: RunWatch) { self.watch = watch }
}

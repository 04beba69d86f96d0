import Glibc
import LoadsCore
import LoadsWire

/// What comes from a runner process, in order; the last is always `.exited`.
enum RunnerEvent: Sendable {
    /// A message of the runner protocol: the runner's own bytes, or what was made of its lines.
    case report([UInt8])
    case exited(RunnerExit)
}

/// The end of a runner process.
struct RunnerExit: Sendable {
    /// As `waitpid` tells it.
    var status: Int32
    /// Why we killed it, if we did.
    var fault: String?
    /// The end of what it printed.
    var output: String
}

/// A runner process as its run sees it, whatever dialect it speaks.
protocol RunnerChannel: AnyObject, Sendable {
    var events: AsyncStream<RunnerEvent> { get }
    var process: pid_t { get }
    /// What it counted; to be read after its end.
    var counters: LiveCounters { get }
    /// Sends a command. A runner that is gone is no error: its end is reported anyway.
    func send(_ command: RunnerCommand)
    /// Kills the process and whatever it started, if it has not ended within a time.
    func expectEnd(within patience: Duration, reason: String)
    /// Kills the process and whatever it started.
    func kill(reason: String)
    /// A report has been dealt with: more may be read.
    func consumed()
}

import CLinux

/// How a master goes about its work. The defaults are those of `loads-master`.
public struct MasterSettings: Sendable {
    /// How serious a line of the master's log is.
    public enum LogLevel: Sendable { case debug, info, notice, warning, error }

    /// Between two beats of an agent.
    public var beat = Duration.seconds(1)
    /// After which an agent that has said nothing counts as silent.
    public var lease = Duration.seconds(5)
    /// After which a silent agent is given up.
    public var grace = Duration.seconds(60)
    /// Between two transactions of the storage.
    public var commitInterval = Duration.milliseconds(250)
    /// How far ahead a start is when the agents are told of it, at least. It is set half as much again ahead, since it is
    /// stored first. Zero is at once.
    public var startLead = Duration.milliseconds(500)
    /// How far ahead an adjustment is when the agents are told of it, at least; likewise.
    public var adjustLead = Duration.seconds(1)
    /// Whether master and agents read the same monotonic clock: then nothing is estimated.
    public var sharedClock = false
    /// The host of the results and the stream, where it is not the one that agents and clients dial.
    public var advertise: String?
    /// Where uploaded files are kept; nil is a temporary directory that goes with the master.
    public var fileDirectory: String?
    /// The most bytes of uploaded files. Those that no run needs go first, the least recently used before others.
    public var fileLimit = 8 << 30
    /// Ended runs that stay in memory; older ones are read from the storage.
    public var keptRuns = 16
    /// Ended runs that the storage keeps; nil is all. It is made with the same number.
    public var storedRuns: Int?
    /// Hits that may wait to be stored, when every hit is kept.
    public var waitingHits = 500_000
    /// Called when much of the memory that was in use may be free: a run has ended, or results that had waited have come.
    public var releaseMemory: @Sendable () -> Void = {
        // It may take a while, and the loop has other things to do.
        Task.detached(priority: .background) { loads_release_memory() }
    }
    /// Called with what happens to the master itself, on its loop.
    public var log: @Sendable (LogLevel, String) -> Void = { _, _ in }

    /// The defaults of `loads-master`.
    public init() {}

    /// Gives silent agents up after another time than a minute. They beat and count as silent in time for that.
    ///
    /// - Parameter grace: 2 s or more.
    public mutating func loseAgents(after grace: Duration) {
        self.grace = grace
        lease = min(lease, grace)
        beat = min(beat, lease / 4)
    }

    /// For a master and its agent in one process: they share a clock, and the start waits for nobody.
    public static var local: MasterSettings {
        var settings = MasterSettings()
        settings.sharedClock = true
        settings.startLead = .zero
        settings.releaseMemory = {}
        return settings
    }

    /// Between two batches: 100 ms up to a hundred agents, then longer, up to a second for a thousand.
    static func batchInterval(agents: Int) -> Duration {
        .milliseconds(max(100, min(1000, agents)))
    }
}

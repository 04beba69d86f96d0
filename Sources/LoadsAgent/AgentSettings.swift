/// Who an agent is and what it may use.
public struct AgentSettings: Sendable {
    /// The stable identity: 1 to 64 letters, digits, `-`, `_` or `.`; the same after a restart.
    public var id: String
    /// For people.
    public var name: String
    /// What runs may ask for: `zone` → `eu`.
    public var labels: [String: String] = [:]
    /// The agent's make and version, for people.
    public var software = "loads"
    /// Where results, files and run directories are kept. Nil keeps results in memory and the rest in a temporary
    /// directory that goes with the agent; results that are not acknowledged are lost then when it is killed.
    public var data: String?
    /// How long runners go on while there is no lease.
    public var orphanTimeout = Duration.seconds(120)
    /// How long a runner that was told to end may take beyond its grace before it is killed. Five seconds of the
    /// standard are for iterations that ignore their cancellation, ten for the rest.
    public var patience = Duration.seconds(15)
    /// How long a runner may take until it is ready.
    public var readyPatience = Duration.seconds(300)
    /// How long ``Agent/stop()`` waits for what is left to be acknowledged.
    public var farewell = Duration.seconds(10)
    /// How much is kept of what the master does not have yet.
    public var spool = SpoolLimits()
    /// Bytes of shipped files that are kept for later runs. What runs need is kept in any case.
    public var filesLimit = 4 << 30
    /// The runners it brings along, by name.
    public var builtIn = ["url"]
    /// Is told what happens, a line at a time, on the agent's loop.
    public var log: @Sendable (AgentLogLevel, String) -> Void = { _, _ in }
    /// Is called on the agent's loop when a master counts on it for the first time: it has answered a beat.
    public var welcomed: @Sendable () -> Void = {}

    /// - Parameters:
    ///   - id: The stable identity: 1 to 64 letters, digits, `-`, `_` or `.`.
    ///   - name: For people.
    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// How much a line of the log matters.
public enum AgentLogLevel: Sendable, Equatable { case debug, info, warning, error }

/// How much of what is not acknowledged is kept, in bytes.
public struct SpoolLimits: Sendable {
    /// In memory. Beyond it, results lie on disk only if there is a data directory.
    public var memory = 64 << 20
    /// On disk.
    public var disk = 1 << 30
    /// Sent and not acknowledged: messages, and bytes. With more than a hundred agents it is less for each of them.
    public var windowMessages = 256
    /// Bytes sent ahead of the acknowledgements at most.
    public var windowBytes = 16 << 20
    /// After so long without an acknowledgement, what is in flight is sent again; doubled each time, up to a minute.
    public var resend = Duration.seconds(5)
    /// What suits most machines.
    public init() {}
}

/// Why an agent cannot work.
public struct AgentError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What happened, to what, and what to do.
    public var message: String
    /// The exit code of `loads` that says so, where a run is refused for it.
    public var code: Int
    /// - Parameters:
    ///   - message: What happened, to what, and what to do.
    ///   - code: An exit code of `loads`.
    public init(_ message: String, code: Int = 70) {
        self.message = message
        self.code = code
    }
    public var description: String { message }
}

/// A master's end of its link to one agent. ZeroMQ and the in-process twin both make such pairs.
public protocol MasterLink: Sendable {
    /// Sends a command. Commands arrive in order.
    func send(_ command: AgentCommand) async
    /// What the agent reports, in order; ends when the agent goes.
    var reports: AsyncStream<AgentReport> { get }
    /// Ends the link, both ways.
    func close()
}

/// An agent's end of its link to the master.
public protocol AgentLink: Sendable {
    /// Sends a report; returns when the transport has taken it, so that a slow master slows the agent's sending.
    func send(_ report: AgentReport) async
    /// What the master wants, in order; ends when the master goes.
    var commands: AsyncStream<AgentCommand> { get }
    /// Ends the link, both ways.
    func close()
}

public import LoadsCore
public import LoadsWire

/// What a master tells an agent.
public enum AgentCommand: Sendable {
    case run(AgentOrder)
    case stop(run: String)
    case abort(run: String)
}

/// What an agent tells its master.
public enum AgentReport: Sendable {
    /// The runner's users start now.
    case started(run: String)
    /// The batches of a run, numbered from 1 without a gap.
    case batch(run: String, sequence: UInt64, Batch)
    case note(run: String, String)
    case ended(run: String, RunnerEnd)
}

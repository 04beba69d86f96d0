/// The transport of a local run: master and agent in one process, the messages handed over as values.
public enum InProcess {
    /// Makes the two ends of a link. Each direction holds a few messages; then its sender waits.
    public static func makePair() -> (master: any MasterLink, agent: any AgentLink) {
        let commands = BoundedQueue<AgentCommand>(limit: 16)
        let reports = BoundedQueue<AgentReport>(limit: 16)
        return (MasterEnd(commands: commands, queue: reports), AgentEnd(queue: commands, outgoing: reports))
    }

    private struct MasterEnd: MasterLink {
        let commands: BoundedQueue<AgentCommand>
        let queue: BoundedQueue<AgentReport>
        func send(_ command: AgentCommand) async { await commands.send(command) }
        var reports: AsyncStream<AgentReport> { queue.stream }
        func close() {
            commands.close()
            queue.close()
        }
    }

    private struct AgentEnd: AgentLink {
        let queue: BoundedQueue<AgentCommand>
        let outgoing: BoundedQueue<AgentReport>
        func send(_ report: AgentReport) async { await outgoing.send(report) }
        var commands: AsyncStream<AgentCommand> { queue.stream }
        func close() {
            outgoing.close()
            queue.close()
        }
    }
}

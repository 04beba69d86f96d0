import LoadsEventLoop
import LoadsWire

/// Starts programs of the `lines` dialect (Docs/RunnerProtocol.md).
enum LineRunner {
    /// Starts a program; its reports are those of any runner. The order is to be sent to it like to any other.
    ///
    /// - Parameters:
    ///   - order: What to run; its launch names the program.
    ///   - agent: The agent's identity, for the program's information.
    static func start(
        _ order: AgentOrder, agent: String, on loop: EventLoop
    ) async throws(SpawnError) -> RunnerProcess {
        var launch = order.launch
        launch.dialect = .lines
        launch.environment.merge(LinePlan.environment(order.order, run: order.run, agent: agent)) { $1 }
        let speech = LineSpeech(run: order.run, agent: agent, order: order.order)
        return try await RunnerProcess.start(launch, speech: speech, on: loop)
    }
}

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
        try await RunnerProcess.start(launch(order, agent), speech: speech(order, agent), on: loop)
    }

    /// The same, on the loop.
    ///
    /// - Parameter countersFile: See ``RunnerProcess/startHere(_:speech:on:countersFile:)``.
    static func startHere(
        _ order: AgentOrder, agent: String, on loop: EventLoop, countersFile: String? = nil
    ) throws(SpawnError) -> RunnerProcess {
        try RunnerProcess.startHere(
            launch(order, agent), speech: speech(order, agent), on: loop, countersFile: countersFile)
    }

    private static func launch(_ order: AgentOrder, _ agent: String) -> RunnerLaunch {
        var launch = order.launch
        launch.dialect = .lines
        launch.environment.merge(LinePlan.environment(order.order, run: order.run, agent: agent)) { $1 }
        return launch
    }

    private static func speech(_ order: AgentOrder, _ agent: String) -> LineSpeech {
        LineSpeech(run: order.run, agent: agent, program: order.launch.commandLine, order: order.order)
    }
}

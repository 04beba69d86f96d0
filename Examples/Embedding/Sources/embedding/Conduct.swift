import LoadsAgent
import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsReport
import LoadsTransport
import LoadsWire

/// A master and an agent in this process; the users are in a runner process, which the agent starts.
func conduct(_ url: String, runner executable: String) async throws {
    let loop = EventLoop(name: "embedding")
    let hub = InProcessHub()
    let master = MasterServer(transport: hub.makeMaster(on: loop), settings: .local)
    try await master.open()
    let agent = try Agent(transport: hub.makeAgent(on: loop), settings: AgentSettings(id: "local", name: "local"))
    async let serving: Void = agent.run()

    let plan = Plan(cycles: [.init(users: 10, amount: .duration(.seconds(2)))])
    let request = RunRequest(
        id: "nightly-1", target: url, isURLTarget: true,
        launch: RunnerLaunch(executable: executable, arguments: ["runner"]),
        order: RunnerOrder(plan: plan, options: ["url": [url]]))

    switch await master.run(request, observer: Printer()) {
    case .finished(let summary): print(summary.text())
    case .refused(let code, let message): print("not run (\(code)): \(message)")
    }
    await agent.stop()
    try await serving
    await master.close()
    await loop.shutdown()
}

struct Printer: RunObserver {
    func started() { print("started") }
    func progressed(_ progress: LoadsCore.Progress) {
        if progress.hits > 0 { print("\(progress.hits) hits, \(Int(progress.hitRate)) a second") }
    }
    func received(_ hits: [RawHit]) {}
    func noted(_ text: String) { print(text) }
}

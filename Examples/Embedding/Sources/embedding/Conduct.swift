import LoadsAgent
import LoadsCore
import LoadsMaster
import LoadsReport
import LoadsTransport
import LoadsWire

/// A master and an agent in this process; the users are in a runner process, which the agent starts.
func conduct(_ url: String, runner executable: String) async {
    let (masterLink, agentLink) = InProcess.makePair()
    let master = Master(link: masterLink)
    let agent = LinkedAgent(link: agentLink)
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
    masterLink.close()
    await serving
}

struct Printer: RunObserver {
    func started() { print("started") }
    func progressed(_ progress: LoadsCore.Progress) {
        if progress.hits > 0 { print("\(progress.hits) hits, \(Int(progress.hitRate)) a second") }
    }
    func received(_ hits: [RawHit]) {}
    func noted(_ text: String) { print(text) }
}

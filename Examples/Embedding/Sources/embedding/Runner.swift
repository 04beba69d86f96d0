import LoadsCore
import LoadsRunner
import LoadsSession

/// The other side: what the process does that the agent started.
func serveAgent() async throws {
    let connection = try RunnerConnection.open(kind: "embedding")
    let order = try connection.order()
    guard let url = order.options["url"]?.first else {
        connection.refuse(code: 69, message: "nothing to run: the order has no url")
        return
    }
    let visit = Scenario(name: "visit") { _ in
        guard let page = try? await Session().get(url, discardBody: true) else { return .failed }
        return page.isSuccess ? .ok : .failed
    }
    await connection.run(scenarios: [visit])
}

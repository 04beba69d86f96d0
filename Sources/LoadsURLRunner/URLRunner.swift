import LoadsCore
import LoadsRunner
import LoadsSession
public import LoadsWire

/// The runner of URL targets, which every agent brings along: `loads` and `loads-agent` start themselves as it.
public enum URLRunner {
    /// The first argument that makes an executable this runner.
    public static let argument = "url-runner"

    /// Does what the agent that started this process wants. The process should exit next.
    ///
    /// The order's options are `url`, `method`, `header` (`Name: value`, several), `body`, `name`, and `debug`. An order of several
    /// URLs names its scenarios, and the options of each bear its place: `url.0`, `method.0` … `url.1`. For all of them
    /// `insecure` switches verification off, and `ca` has the certificates to trust, each as PEM.
    ///
    /// - Returns: Whether the order could be carried out; if not, the agent has been told why.
    /// - Throws: ``WireError`` when the process was not started by an agent, or the agent is gone.
    public static func serve() async throws(WireError) -> Bool {
        let connection = try RunnerConnection.open(kind: "url")
        let order = try connection.order()
        let session: Session
        do throws(AuthorityFile.Problem) {
            session = try Self.session(order)
        } catch {
            connection.refuse(code: 70, message: error.message)
            return false
        }
        let scenarios =
            order.scenarios.isEmpty
            ? [URLScenario(order, like: session)]
            : order.scenarios.enumerated().map { URLScenario(order, at: $0, name: $1, like: session) }
        guard !scenarios.contains(where: { $0 == nil }) else {
            connection.refuse(code: 70, message: "the URL runner was started without a URL: a fault of loads")
            return false
        }
        if order.options["debug"] != nil {
            Session.observeFirstIteration(ofUser: order.plan.firstUser) { connection.note($0) }
        }
        await connection.run(scenarios: scenarios.compactMap { $0?.scenario })
        return true
    }

    /// A URL where others read it: its password is `***`. So is the scenario of an order's only URL called.
    public static func shown(_ url: String) -> String { ShownURL.text(url) }

    /// What the sessions of all users are like.
    private static func session(_ order: RunnerOrder) throws(AuthorityFile.Problem) -> Session {
        var configuration = SessionConfiguration()
        if order.options["insecure"] != nil { configuration.tls.verifies = false }
        if let certificates = order.options["ca"] { configuration.tls.caFile = try AuthorityFile.make(certificates) }
        return Session(configuration: configuration)
    }
}

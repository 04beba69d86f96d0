import Foundation
import TestSupport
import Testing

/// One run on agents in three languages.
@Suite struct MixedRunTests {
    @Test(arguments: ["python", "node", "url"], [false, true])
    func agentsInThreeLanguagesShareARun(_ target: String, encrypted: Bool) async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let cluster = try await MixedCluster(in: directory, encrypted: encrypted)
        let control = cluster.control

        let json = directory.path + "/summary.json"
        let what =
            switch target {
            case "python":
                ["--server-url", nginx.url, "--", try Clients.python(), Clients.path + "/python/examples/checkout.py"]
            case "node": ["--server-url", nginx.url, "--", "node", Clients.path + "/node/examples/checkout.mjs"]
            default: [nginx.url + "/"]
            }
        let outcome = try await Program.run(
            ["run", "--master", control, "-c", "10", "-n", "20", "--json", json]
                + (try await cluster.client()) + what)
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")

        // The examples make two requests an iteration, a URL is one: the target's own log has the last word.
        let each = target == "url" ? 20 : 40
        let log = try await nginx.accessLog(atLeast: 10 * each)
        #expect(log.count == 10 * each)
        let written = try Written(json: json)
        #expect(try written.number("hits.count") == Double(10 * each))
        #expect(try written.number("iterations.ok") == 200)
        let shares = try written.list("agents")
        #expect(shares.compactMap { $0["id"] as? String }.sorted() == ["node", "python", "swift"])
        #expect(shares.compactMap { $0["users"] as? Int }.sorted() == [3, 3, 4])
        for share in shares {
            let users = try #require(share["users"] as? Int)
            #expect(share["hits"] as? Int == users * each, "\(share)")
        }
        await cluster.stop()
        await nginx.stop()
    }
}

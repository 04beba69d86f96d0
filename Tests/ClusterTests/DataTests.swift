import Foundation
import TestSupport
import Testing

/// Steps, checks, metrics and data of a run on two agents.
@Suite(.serialized) struct DataTests {
    private func onTwoAgents(
        _ arguments: [String], requests: Int
    ) async throws -> (outcome: ChildProcess.Outcome, summary: RunSummary, log: [String]) {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agents = [try await cluster.startAgent("a1"), try await cluster.startAgent("a2")]
        let json = cluster.directory.path + "/summary.json"
        let outcome = try await cluster.loads(["run", "--server-url", nginx.url, "--json", json] + arguments)
        let log = try await nginx.accessLog(atLeast: requests)
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
        try #require(FileManager.default.fileExists(atPath: json), "\(outcome.output)\(outcome.errors)\(master.errors)")
        return (outcome, try RunSummary(json), log)
    }

    private func values(_ name: String, _ log: [String]) -> [String] {
        log.compactMap { line in
            line.firstRange(of: "?\(name)=").map { String(line[$0.upperBound...].prefix { $0 != " " }) }
        }
    }

    private func named(_ list: String, _ summary: RunSummary) -> [String: [String: Any]] {
        Dictionary(
            (summary.object[list] as? [[String: Any]] ?? []).map { ($0["name"] as? String ?? "", $0) },
            uniquingKeysWith: { first, _ in first })
    }

    @Test func uniqueRowsAreUniqueOverAgentsAndMeasurementsAddUp() async throws {
        let (outcome, summary, log) = try await onTwoAgents(
            [
                "ShopTests.Checkout/buys", "--package", Cluster.shop, "-c", "11", "-n", "4", "--include",
                Cluster.shop + "/customers.csv", "--include", Cluster.shop + "/articles.json",
            ], requests: 132)
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(summary.users == ["a1": 6, "a2": 5])
        let customers = Dictionary(grouping: values("customer", log)) { $0 }.mapValues(\.count)
        #expect(customers.count == 11 && customers.values.allSatisfy { $0 == 4 })
        #expect(Set(values("order", log)).count == 44)
        let steps = named("steps", summary).mapValues { $0["count"] as? Int }
        #expect(steps == ["sign in": 44, "cart": 44, "checkout{plan=pro}": 16, "checkout{plan=free}": 28])
        #expect(named("checks", summary)["knows the author"]?["passed"] as? Int == 44)
        let metrics = named("metrics", summary)
        #expect(metrics["orders"]?["sum"] as? Double == 44 && metrics["cart"]?["count"] as? Int == 44)
        #expect(metrics["last user"]?["max"] as? Double == 10 && metrics["pro customers"]?["true"] as? Int == 16)
    }

    @Test func sequentialRowsAreDealtOutAmongAgentsUntilTheirEnd() async throws {
        let (outcome, summary, log) = try await onTwoAgents(
            [
                "SiteTests.Rows/stopAtTheirEnd", "--package", Cluster.site, "-c", "4", "-n", "100", "--include",
                Cluster.site + "/rows.csv",
            ], requests: 10)
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(values("row", log).sorted() == (0..<10).map(String.init))
        #expect(summary.number("iterations.ok") == 10 && summary.number("iterations.failed") == 0)
    }

    @Test func theEnvironmentReachesEveryAgent() async throws {
        let (outcome, _, log) = try await onTwoAgents(
            ["SiteTests.Rows/environment", "--package", Cluster.site, "-c", "2", "--env", "SITE_WORD=tea"], requests: 2)
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(values("word", log) == ["tea", "tea"])
    }

    /// Set up on one of the agents, known on both, undone on one.
    @Test func whatIsSetUpOnceReachesBothAgents() async throws {
        let (outcome, summary, log) = try await onTwoAgents(
            ["SiteTests.Once/enters", "--package", Cluster.site, "-c", "4", "-n", "5"], requests: 22)
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(log.count == 22 && summary.users == ["a1": 2, "a2": 2])
        let closed = values("closed", log)
        #expect(log.first?.contains("opened=door") == true && log.last?.contains("closed=") == true)
        #expect(closed.count == 1 && Set(values("entered", log)) == Set(closed) && values("entered", log).count == 20)
    }
}

import Foundation
import TestSupport
import Testing

/// A run seen through with `loads run`, during which something happens.
struct FaultRun {
    var status: Int32
    var errors: String
    var summary: RunSummary
    /// Requests, as the summary has them.
    var requests: Int
    /// Requests, as the target has them.
    var log: Int

    /// What the target has more than the summary was made by the killed agent since its last acknowledgement: at most what
    /// its users sent in a second and a half, at the pace they had. Nothing that was acknowledged is lost.
    func expectOnlyTheLastMoments(of id: String) throws {
        let hits = summary.agents.map { $0["hits"] as? Int ?? 0 }
        #expect(hits.reduce(0, +) == requests, "\(summary.agents)")
        let agent = summary.agent(id)
        let missing = try #require(agent["missing"] as? [String: Any])
        let (own, seconds) = (try #require(agent["hits"] as? Int), try #require(missing["from_s"] as? Double))
        let users = try #require(agent["users"] as? Int)
        #expect(own > 0 && seconds > 0, "\(agent)")
        let pace = Double(own) / max(seconds, 0.1)
        let gap = log - requests
        #expect(gap >= 0 && Double(gap) <= pace * 1.5 + Double(users), "\(gap) are missing: \(agent)")
    }
}

extension Cluster {
    /// Runs, and lets something happen once the first requests have come.
    func run(
        _ nginx: Nginx, users: Int = 10, duration: String = "12s", _ extra: [String] = [],
        meanwhile: () async throws -> Void
    ) async throws -> FaultRun {
        let json = directory.path + "/summary.json"
        let before = nginx.accessLog().count
        let run = try await startLoads(
            ["run", nginx.url + "/", "-c", "\(users)", "-d", duration, "--think", "10ms", "--json", json] + extra)
        try await run.wait(for: "requests", timeout: .seconds(60)) { nginx.accessLog().count > before + 50 }
        try await meanwhile()
        let outcome = try await run.outcome(timeout: .seconds(240))
        guard FileManager.default.fileExists(atPath: json) else {
            throw SupportError("no summary: \(outcome.status)\n\(outcome.output)\(outcome.errors)")
        }
        let summary = try RunSummary(json)
        let requests = summary.number("hits.requests") ?? -1
        return FaultRun(
            status: outcome.status, errors: outcome.errors, summary: summary, requests: requests,
            log: try await nginx.accessLog(atLeast: before + requests).count - before)
    }
}

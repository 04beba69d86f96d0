import Foundation
import TestSupport

/// A run seen through with `loads run`, during which something happens.
struct FaultRun {
    var status: Int32
    var errors: String
    var summary: RunSummary
    /// Requests, as the summary has them.
    var requests: Int
    /// Requests, as the target has them.
    var log: Int
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

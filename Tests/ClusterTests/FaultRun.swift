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

    /// What the target has more than the summary was made by the killed agent after what had come to the master: at most what
    /// all have sent from then to its death, and a request of each of its users that was on its way. Nothing else is lost.
    ///
    /// - Parameter delivered: What had come; `death` is how many requests the target had served when the agent was gone.
    func expectOnlyTheLastMoments(of id: String, after delivered: Delivered, death: Int) throws {
        let hits = summary.agents.map { $0["hits"] as? Int ?? 0 }
        #expect(hits.reduce(0, +) == requests, "\(summary.agents)")
        let agent = summary.agent(id)
        let missing = try #require(agent["missing"] as? [String: Any])
        let (own, seconds) = (try #require(agent["hits"] as? Int), try #require(missing["from_s"] as? Double))
        let users = try #require(agent["users"] as? Int)
        #expect(own > 0 && seconds > 0, "\(agent)")
        let gap = log - requests
        #expect((0...death - delivered.served + users).contains(gap), "\(gap) are missing: \(agent), \(delivered)")
        // Of what had come nothing is missing.
        #expect(seconds >= delivered.time, "\(missing), \(delivered)")
    }
}

/// What had come to the master while a run went on.
struct Delivered {
    /// Requests that the target had served, of all runs: they had come.
    var served: Int
    /// Seconds of the run until which everything had come.
    var time: Double
}

extension Cluster {
    /// The file for `--stream`.
    var hitFile: String { directory.path + "/hits.ndjson" }

    /// Waits until everything that was measured up to now has come to the master, by what a run with ``hitFile`` has written:
    /// the hits of a user come in their order, so that one of each user which began later tells of all before it.
    func delivered(_ nginx: Nginx, users: Int) async throws -> Delivered {
        let served = nginx.accessLog().count
        let run = (try await status()["runs"] as? [[String: Any]])?.first
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let started = try Date(run?["started"] as? String ?? "", strategy: style)
        // By the clock of an agent it may be a little later.
        let time = Date.now.timeIntervalSince(started) + 0.5
        for _ in 0..<600 {
            var rest = Set(0..<users)
            let text = (try? String(contentsOfFile: hitFile, encoding: .utf8)) ?? ""
            for line in text.split(separator: "\n").suffix(5_000) {
                // The last one may not be whole yet.
                let hit = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                guard let begin = (hit?["t"] as? NSNumber)?.doubleValue, begin > time else { continue }
                rest.remove(hit?["user"] as? Int ?? -1)
            }
            if rest.isEmpty { return Delivered(served: served, time: time) }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw SupportError("a minute later not everything of \(users) users has come to the master")
    }

    /// Runs, and lets something happen once the first requests have come.
    ///
    /// - Parameter first: How many those are; a short run makes few of them on a machine that is busy.
    func run(
        _ nginx: Nginx, users: Int = 10, duration: String = "12s", first: Int = 50, _ extra: [String] = [],
        meanwhile: () async throws -> Void
    ) async throws -> FaultRun {
        let json = directory.path + "/summary.json"
        let before = nginx.accessLog().count
        let run = try await startLoads(
            ["run", nginx.url + "/", "-c", "\(users)", "-d", duration, "--think", "10ms", "--json", json] + extra)
        try await run.wait(for: "requests", timeout: .seconds(60)) { nginx.accessLog().count > before + first }
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

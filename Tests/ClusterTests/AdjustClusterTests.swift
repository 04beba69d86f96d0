import Foundation
import TestSupport
import Testing

/// `loads adjust` on two agents, whatever the model: at one instant, at least a second ahead, from then to the end.
@Suite(.serialized) struct AdjustClusterTests {
    private struct Run {
        var id: String
        var summary: RunSummary
        /// When each hit was made, in seconds since the start, and by whom.
        var hits: [(time: Double, user: Int)]
        /// Requests, as the target has them.
        var requests: Int
        var answer: ChildProcess.Outcome
        var log: String

        /// What the summary says of the change.
        var change: [String: Any]? {
            ((summary.object["plan"] as? [String: Any])?["adjusted"] as? [[String: Any]])?.first
        }

        /// When it took effect.
        var time: Double? { (change?["at_s"] as? NSNumber)?.doubleValue }
    }

    /// Runs, and adjusts as soon as first requests have come. Plans last long enough for a machine that does other things.
    ///
    /// - Parameter users: Of each of these a hit comes before.
    private func run(_ model: [String], adjust load: [String], users: Range<Int> = 0..<0) async throws -> Run {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agents = [try await cluster.startAgent("a1"), try await cluster.startAgent("a2")]
        let (json, stream) = (cluster.directory.path + "/summary.json", cluster.directory.path + "/hits.ndjson")
        let loads = try await cluster.startLoads(
            ["run", nginx.url + "/", "--json", json, "--stream", stream] + model)
        try await loads.wait(for: "hits", timeout: .seconds(60)) {
            let lines = (try? String(contentsOfFile: stream, encoding: .utf8)) ?? ""
            return nginx.accessLog().count > 5 && users.allSatisfy { lines.contains("\"user\":\($0),") }
        }
        let runs = try await cluster.status()["runs"] as? [[String: Any]]
        let id = try #require(runs?.first?["id"] as? String)
        let answer = try await cluster.loads(["adjust", id] + load)
        let outcome = try await loads.outcome(timeout: .seconds(120))
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let log = try await cluster.loads(["logs", id]).output
        let hits = try String(contentsOfFile: stream, encoding: .utf8).split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return (
                time: try #require(object?["t"] as? NSNumber).doubleValue, user: try #require(object?["user"] as? Int)
            )
        }
        let requests = try await nginx.accessLog(atLeast: hits.count).count
        for agent in agents { await agent.stop() }
        await master.stop()
        await nginx.stop()
        let summary = try RunSummary(json)
        #expect(summary.number("hits.count") == hits.count && requests == hits.count)
        return Run(id: id, summary: summary, hits: hits, requests: requests, answer: answer, log: log)
    }

    /// The change takes effect at least a second after the master has taken it, by the master's own log; whoever asked is told.
    private func isAhead(_ run: Run, _ words: String) throws {
        #expect(run.answer.status == 0, "\(run.answer.errors)")
        #expect(
            run.answer.errors.contains("\(run.id): \(words) in about one and a half seconds"),
            "\(run.answer.errors)")
        let line = try #require(run.log.split(separator: "\n").first { $0.contains("  adjusted  ") }, "\(run.log)")
        #expect(line.contains("  adjusted  \(words) from "))
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let taken = try Date(String(line.prefix { $0 != " " }), strategy: style)
        let effect = try run.summary.started.addingTimeInterval(#require(run.time))
        // Both are wall times of the master's, written in milliseconds.
        #expect(effect.timeIntervalSince(taken) >= 0.99, "\(run.log)\(effect)")
    }

    @Test func aRateFromAtLeastASecondLaterOn() async throws {
        let run = try await run(["--rate", "20/s", "-d", "12s"], adjust: ["--rate", "200/s"])
        try isAhead(run, "200/s")
        let time = try #require(run.time)
        let planned = try #require(run.summary.number("arrivals.planned"))
        #expect(abs(Double(planned) - (20 * time + 200 * (12 - time))) <= 3, "\(planned), adjusted at \(time) s")
        #expect(run.hits.count == planned)
        // Before it there are no more than the old rate's.
        #expect(Double(run.hits.count { $0.time < time }) <= 20 * time + 2)
    }

    /// What is left of the ramp gives way to the rate, to the end.
    @Test func aRampOfRatesGivesWayToARate() async throws {
        // r(t) = 10 t.
        let run = try await run(["--stages", "12s:120/s"], adjust: ["--rate", "7/s"])
        try isAhead(run, "7/s")
        let time = try #require(run.time)
        let planned = try #require(run.summary.number("arrivals.planned"))
        #expect(abs(Double(planned) - (5 * time * time + 7 * (12 - time))) <= 3, "\(planned), adjusted at \(time) s")
        #expect(run.hits.count == planned)
        #expect(Double(run.hits.count { $0.time < time }) <= 5 * time * time + 2)
        #expect(try #require(run.summary.object["run"] as? [String: Any])["interrupted"] as? Bool == false)
    }

    @Test(arguments: [7, 1]) func usersByStagesGiveWayToANumberOfUsers(_ users: Int) async throws {
        let run = try await run(
            ["--stages", "0s:3,12s:3", "--think", "20ms"], adjust: ["-c", "\(users)"], users: 0..<3)
        try isAhead(run, users == 1 ? "1 user" : "7 users")
        let time = try #require(run.time)
        #expect(run.change?["users"] as? Int == users)
        let early = Set(run.hits.filter { $0.time < time }.map(\.user))
        #expect(early == [0, 1, 2])
        // Well after it, in the second half of what is left; those that go have ended their iterations, those that come have begun.
        let late = Set(run.hits.filter { $0.time > (time + 12) / 2 }.map(\.user))
        #expect(late == Set(0..<users), "adjusted at \(time) s")
    }

    @Test(arguments: [
        (["--stages", "12s:40/s"], ["-c", "9"], "has a rate, not users: `loads adjust RUN --rate 800/s`"),
        (
            ["--stages", "1s:2,11s:2", "--think", "20ms"], ["--rate", "9/s"],
            "has users, not a rate: `loads adjust RUN -c 200`"
        ),
        (
            ["-c", "2", "-d", "12s", "--think", "20ms"], ["--rate", "9/s"],
            "has users, not a rate: `loads adjust RUN -c 200`"
        ),
    ])
    func whatIsNotOfItsKindIsRefusedAndChangesNothing(
        _ model: [String], _ load: [String], _ reason: String
    ) async throws {
        let run = try await run(model, adjust: load)
        #expect(run.answer.status == 69)
        #expect(run.answer.errors.contains(reason.replacing("RUN", with: run.id)), "\(run.answer.errors)")
        #expect(run.change == nil && !run.log.contains("  adjusted  "))
        if model[1] == "12s:40/s" { #expect(run.hits.count == 240) }
    }
}

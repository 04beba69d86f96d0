import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// When iterations start, beside the closed formulas of their plans: a wrong ramp may have the right number of arrivals.
@Suite(.serialized) struct ScheduleRunTests {
    /// A plan whose arrival n is due at ``due``(n) seconds.
    struct Ramp: Sendable, CustomTestStringConvertible {
        var options: [String]
        var count: Int
        var due: @Sendable (Double) -> Double
        var testDescription: String { options.joined(separator: " ") }
    }

    static let ramps = [
        // r(t) = 100 t, so N(t) = 50 t².
        Ramp(options: ["--stages", "2s:200/s"], count: 200) { ($0 / 50).squareRoot() },
        // r(t) = 200 − 100 t, so N(t) = 200 t − 50 t².
        Ramp(options: ["--stages", "0s:200/s,2s:0"], count: 200) { 2 - (4 - $0 / 50).squareRoot() },
        // A ramp to 100/s within a second, which has 50; then it stays.
        Ramp(options: ["--rate", "100/s", "-d", "2s", "--ramp-up", "1s"], count: 150) {
            $0 < 50 ? ($0 / 50).squareRoot() : 1 + ($0 - 50) / 100
        },
        // A spike between two plateaus.
        Ramp(options: ["--stages", "0s:20/s,1s:20/s,0s:200/s,500ms:200/s,0s:20/s,500ms:20/s"], count: 130) {
            $0 < 20 ? $0 / 20 : $0 < 120 ? 1 + ($0 - 20) / 200 : 1.5 + ($0 - 120) / 20
        },
    ]

    @Test(arguments: ramps) func arrivalsStartWhenTheirFormulaSays(_ ramp: Ramp) async throws {
        try await run(ramp.options) { written in
            let times = try written.lines.map(Self.time).sorted()
            #expect(times.count == ramp.count)
            // Nothing starts before it is due, however busy the machine is.
            for (number, time) in times.enumerated() {
                let due = ramp.due(Double(number))
                #expect(time >= due - 0.000_01, "arrival \(number) at \(time) s, due at \(due) s")
            }
            // What this machine does to them the run tells itself.
            let lag = try written.number("lag_ms.p95") / 1000
            let half = try written.number("lag_ms.p50")
            if half > 40 { return "half of them start more than 40 ms late" }
            let late = times.enumerated().filter { $1 > ramp.due(Double($0)) + 0.04 + lag }
            return late.count > times.count / 20 ? "\(late.count) start more than 40 ms later than told" : nil
        }
    }

    /// User k is there while more than k are wanted: over the first half second as they come, then all four, then as they go.
    @Test func usersFollowTheirStages() async throws {
        try await run(
            ["--stages", "500ms:4,1500ms:4,500ms:0", "--think", "uniform(0s,20ms)"], path: "/delay/10"
        ) { written in
            #expect(written.value("plan.model") as? String == "users")
            #expect(try written.number("run.duration_s") >= 2)
            let byUser = try Dictionary(grouping: written.lines) { try #require($0["user"] as? Int) }.mapValues {
                try $0.map(Self.time).sorted()
            }
            #expect(Set(byUser.keys) == [0, 1, 2, 3])
            // What this machine and the server in it do to a user at the worst, the run tells itself.
            let held = try (written.number("generator.max_loop_lag_ms") + written.number("latency_ms.max")) / 1000
            let slack = min(0.5, held)
            var wrong: [String] = []
            for (user, times) in byUser.sorted(by: { $0.key < $1.key }) {
                let (first, last) = (try #require(times.first), try #require(times.last))
                let (comes, goes) = (Double(user) / 8, 2 + Double(4 - user) / 8)
                #expect(first >= comes, "user \(user) at \(first) s")
                let holds = times.count { (0.5..<2).contains($0) }
                if Double(holds) < 1.5 / (0.05 + slack) - 1 {
                    wrong.append("user \(user) has \(holds) iterations while all are there")
                }
                if first > comes + 0.1 + slack { wrong.append("user \(user) comes at \(first) s instead of \(comes)") }
                // What it has begun it ends, and it has 20 ms to think at most.
                if !(goes - 0.2 - slack...goes + 0.05 + slack).contains(last) {
                    wrong.append("user \(user) goes at \(last) s instead of \(goes)")
                }
            }
            return wrong.isEmpty ? nil : wrong.joined(separator: "; ")
        }
    }

    private static func time(_ line: [String: Any]) throws -> Double {
        try #require(line["t"] as? NSNumber).doubleValue
    }

    /// Runs and looks at what was written; what a busy machine may do to them, which is told, must not come three times.
    private func run(
        _ options: [String], path: String = "/", _ told: (Written) throws -> String?
    ) async throws {
        var problem: String?
        for _ in 0..<3 {
            let server = try TestServer()
            let directory = try TemporaryDirectory()
            let (json, stream) = (directory.path + "/summary.json", directory.path + "/hits.ndjson")
            let outcome = try await Program.run(
                [server.url + path, "--json", json, "--stream", stream] + options)
            await server.stop()
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            let written = try Written(json: json, stream: stream)
            #expect(try written.number("iterations.interrupted") == 0)
            try await written.checkSchema()
            problem = try told(written)
            if problem == nil { return }
        }
        Issue.record("three times: \(problem ?? "")")
    }
}

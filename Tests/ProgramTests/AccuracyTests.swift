import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// What must come out against a server of known behaviour: the figures of a run are the truth, to within 1 %.
///
/// The delays are long, so that 1 % is several milliseconds, which a machine that is busy with other things keeps to. Where it
/// does not, the run is made again, three times at most: a figure that is wrong by itself is wrong each time.
/// ``FineAccuracyTests`` ask for fractions of a millisecond.
@Suite(.serialized) struct AccuracyTests {
    @Test func aFixedDelayComesOut() async throws {
        try await Truth(
            path: "/delay/1000", options: ["--rate", "100/s", "-d", "3s", "--max-users", "300"],
            percentiles: ["min", "p50", "p75", "p90", "p95", "p99"].map { ($0, 1000) }
        ).comesOut(attempts: 3)
    }

    @Test func aMixtureComesOut() async throws {
        // 85 % at 0.5 s, 10 % at 1 s, 5 % at 2 s: with 1,000 draws the percentiles lie four standard deviations inside.
        try await Truth(
            path: "/mixed/500:85,1000:10,2000:5", options: ["--rate", "250/s", "-d", "4s", "--max-users", "1000"],
            percentiles: [("min", 500), ("p50", 500), ("p75", 500), ("p90", 1000), ("p99", 2000)]
        ).comesOut(attempts: 3)
    }

    /// A server that stalls for 1 s in the middle of 10, at 100 arrivals a second: 100 of 1,000 are due while it stalls, and
    /// the one due x s after its beginning waits 1 − x s. The 10 slowest of 1,000 are beyond p99, so p99 is 0.9 s.
    @Test func aStallShowsInAnOpenModel() async throws {
        try await Self.stalled(["--rate", "100/s", "-d", "10s", "--max-users", "200"]) { written in
            let (response, service) = try Self.p99(written)
            return [
                // The stall begins anywhere between two arrivals: 10 ms more or less.
                "p99 of the response times \(response)": (880...940).contains(response),
                "p99 of the service times \(service), everybody has a user at once": abs(service - response) < 20,
                "p50": try written.number("iteration_ms.response.p50") < 50,
                "started": try written.number("arrivals.started") == 1000,
            ]
        }
    }

    /// With 5 users 5 iterations are caught by the stall, and 95 arrivals wait for a user: their service takes no time, their
    /// response what they waited. Service time hides the stall, as a closed model does.
    @Test func responseAndServiceTimeDifferAsArithmeticSays() async throws {
        // Arrival k of the stall waits (1 − k/100) s for a user, from the sixth on: the mean of 1,000 differs by their sum.
        let waited = (5..<100).reduce(0.0) { $0 + (1000 - Double($1) * 10) } / 1000
        try await Self.stalled(["--rate", "100/s", "-d", "10s", "--max-users", "5"]) { written in
            let (response, service) = try Self.p99(written)
            let difference =
                try written.number("iteration_ms.response.mean") - written.number("iteration_ms.service.mean")
            return [
                "p99 of the response times \(response)": (880...940).contains(response),
                "p99 of the service times \(service)": service < 100,
                "means that differ by \(difference) for \(waited)": abs(difference - waited) < 3,
                "started": try written.number("arrivals.started") == 1000,
            ]
        }
    }

    @Test func aClosedModelHidesTheStall() async throws {
        try await Self.stalled(["-c", "5", "-d", "10s", "--pacing", "50ms"]) { written in
            // 5 of some 900 hits, which is less than 1 %.
            let (p99, longest) = (try written.number("latency_ms.p99"), try written.number("latency_ms.max"))
            return ["p99 \(p99)": p99 < 100, "max \(longest)": longest > 900]
        }
    }

    private static func p99(_ written: Written) throws -> (response: Double, service: Double) {
        (try written.number("iteration_ms.response.p99"), try written.number("iteration_ms.service.p99"))
    }

    /// Runs against a server that stalls from second 5 to second 6 of its life.
    private static func stalled(_ options: [String], _ expectations: (Written) throws -> [String: Bool]) async throws {
        var wrong: [String] = []
        for _ in 0..<3 {
            let server = try TestServer()
            let written = try await LoadModelTests.run([server.url + "/stall/5/6"] + options).written
            await server.stop()
            wrong = try expectations(written).filter { !$0.value }.map(\.key)
            if wrong.isEmpty { return }
        }
        Issue.record("three times: \(wrong.sorted().joined(separator: "; "))")
    }
}

/// The same with delays of which 1 % is a millisecond or less: `LOADS_TEST_ACCURACY=1 bin/test --filter FineAccuracyTests`, on a
/// machine that does nothing else.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["LOADS_TEST_ACCURACY"] != nil))
struct FineAccuracyTests {
    @Test(arguments: [100.0, 200.0]) func fixedDelaysComeOut(_ milliseconds: Double) async throws {
        try await Truth(
            path: "/delay/\(Int(milliseconds))", options: ["--rate", "100/s", "-d", "3s"],
            percentiles: ["min", "p50", "p75", "p90", "p95", "p99"].map { ($0, milliseconds) }
        ).comesOut(attempts: 5, floor: 0.3)
    }

    @Test func aMixtureComesOut() async throws {
        try await Truth(
            path: "/mixed/50:85,150:10,400:5", options: ["--rate", "250/s", "-d", "4s"],
            percentiles: [("min", 50), ("p50", 50), ("p75", 50), ("p90", 150), ("p99", 400)]
        ).comesOut(attempts: 5, floor: 0.3)
    }

    /// 20,000 arrivals a second on one core: of a hundred 99 start less than half a millisecond late.
    @Test func twentyThousandArrivalsASecondArePunctual() async throws {
        let (server, url) = try await Truth.server()
        var lag = Double.infinity
        for _ in 0..<5 where lag >= 0.5 {
            let written = try await LoadModelTests.run([
                url + "/", "--rate", "20000/s", "-d", "6s", "--loops", "1", "--precise", "--max-users", "200",
                // The first moments open 200 connections.
                "--warm-up", "1s",
            ]).written
            #expect(try written.number("arrivals.planned") == 100_000)
            lag = try written.number("lag_ms.p99")
        }
        server.kill()
        #expect(lag < 0.5, "\(lag) ms")
    }
}

/// What a server makes a request wait, and so what percentiles of it must be.
private struct Truth {
    var path: String
    var options: [String]
    /// In milliseconds.
    var percentiles: [(name: String, milliseconds: Double)]

    private static let times = ["iteration_ms.response", "iteration_ms.service", "latency_ms"]

    /// A server in a process of its own: built as the program is, and not beside what holds the tests' threads.
    static func server() async throws -> (ChildProcess, url: String) {
        let server = try ChildProcess([Program.path, "test-server"])
        try await server.wait(for: "address") { server.output.contains("\n") }
        return (server, server.output.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// Expects each percentile of each time within 1 %, after nothing was taken off but the same server's median without any
    /// delay: what it and the loopback cost.
    ///
    /// - Parameters:
    ///   - attempts: Runs at most, until one is right.
    ///   - floor: What that median may be at most, in milliseconds; nil where the machine may be busy.
    func comesOut(attempts: Int, floor limit: Double? = nil) async throws {
        let (server, url) = try await Truth.server()
        var wrong: [String] = []
        for _ in 0..<attempts {
            // Not precise: on two cores loops that spin would keep the server waiting.
            let atOnce = try await LoadModelTests.run([url + "/delay/0", "--rate", "100/s", "-d", "2s"]).written
            let written = try await LoadModelTests.run([url + path] + options).written
            wrong = try Self.times.flatMap { time in
                let idle = try atOnce.number("\(time).p50")
                return try percentiles.compactMap { name, truth in
                    let found = try written.number("\(time).\(name)")
                    let isRight = abs(found - idle - truth) <= 0.01 * truth
                    return isRight ? nil : "\(time).\(name) is \(found) for \(truth) above \(idle)"
                }
            }
            let idle = try atOnce.number("latency_ms.p50")
            if let limit, idle > limit { wrong.append("the median without a delay is \(idle)") }
            if wrong.isEmpty { break }
        }
        server.kill()
        #expect(wrong.isEmpty, "\(attempts) times: \(wrong.joined(separator: "; "))")
    }
}

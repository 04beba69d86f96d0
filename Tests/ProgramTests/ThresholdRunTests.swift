import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// Thresholds, the verdict and their exit codes on a real server.
@Suite struct ThresholdRunTests {
    private func run(
        _ server: TestServer, _ path: String, _ arguments: [String], json: String
    ) async throws -> (outcome: ChildProcess.Outcome, written: Written) {
        let outcome = try await Program.run([server.url + path, "--json", json] + arguments)
        return (outcome, try Written(json: json))
    }

    @Test func aThresholdThatIsKeptPassesAndOneThatIsNotEndsWith3() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let (outcome, written) = try await run(
            server, "/delay/20",
            [
                "-c", "2", "-n", "20", "--expect", "min >= 20ms", "--expect", "p50(GET /delay/20) < 10ms", "--expect",
                "hits == 40", "--expect", "errors == 0%",
            ], json: directory.path + "/summary.json")
        await server.stop()
        #expect(outcome.status == 3, "\(outcome.errors)")
        let thresholds = try written.list("thresholds")
        #expect(thresholds.map { $0["passed"] as? Bool } == [true, false, true, true])
        #expect(thresholds[2]["actual"] as? Double == 40)
        #expect(try #require(thresholds[1]["actual"] as? Double) >= 20)
        #expect(outcome.output.contains("✓ min >= 20ms"), "\(outcome.output)")
        #expect(outcome.output.contains("✗ p50(GET /delay/20) < 10ms"))
        #expect(outcome.output.contains("verdict     "))
        #expect(["valid", "generator-limited"].contains(written.value("verdict.kind") as? String))
        try await written.checkSchema()
    }

    @Test func aThresholdOnErrorsDecidesInPlaceOfCode1() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let (tolerated, written) = try await run(
            server, "/status/500", ["-n", "5", "--expect", "errors <= 100%"], json: json)
        #expect(tolerated.status == 0, "\(tolerated.output)")
        #expect(try written.number("hits.failed") == 5)
        #expect(
            try await run(server, "/status/500", ["-n", "5", "--expect", "p95 < 1m"], json: json).outcome.status == 1)
        #expect(
            try await run(server, "/status/500", ["-n", "5", "--expect", "errors < 1%"], json: json).outcome.status == 3
        )
        await server.stop()
    }

    @Test func aThresholdThatAbortsEndsTheRunAtOnce() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let (outcome, written) = try await run(
            server, "/delay/30", ["-c", "3", "-d", "10m", "--expect", "p95 < 10ms over 1s abort"],
            json: directory.path + "/summary.json")
        await server.stop()
        #expect(outcome.status == 3, "\(outcome.output)")
        #expect(outcome.errors.contains("p95 < 10ms over 1s abort is breached: "), "\(outcome.errors)")
        #expect(outcome.output.contains("stopped by the threshold p95 < 10ms over 1s abort"))
        let threshold = try #require(try written.list("thresholds").first)
        #expect(threshold["aborted"] as? Bool == true)
        #expect(try #require(threshold["windows"] as? Int) >= 1)
        #expect(written.value("run.interrupted") as? Bool == true)
        try await written.checkSchema()
    }

    @Test func aStallIsSeenByAWindowAndForgivenByPersistence() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        // From its second 1 to 8 the server lets everybody wait: for more than 2 s, although the run may begin late.
        let (outcome, written) = try await run(
            server, "/stall/1/8",
            [
                "-c", "2", "-d", "16s", "--think", "5ms", "--expect", "rate > 1/s over 1s", "--expect",
                "rate > 1/s over 1s for 1s", "--expect", "rate > 1/s over 1s for 30s", "--expect", "p50 < 900ms",
                "--expect", "max < 2s", "--expect", "max < 2s after 9s", "--expect", "max < 2s after 5m", "--expect",
                "max < 2s min 1000000 samples",
            ], json: directory.path + "/summary.json")
        await server.stop()
        let thresholds = try written.list("thresholds")
        #expect(outcome.status == 3, "\(outcome.output)")
        #expect(
            thresholds.map { $0["passed"] as? Bool } == [false, false, true, true, false, true, nil, nil],
            "\(outcome.output)")
        #expect(try #require(thresholds[0]["broken_windows"] as? Int) >= 2)
        #expect(thresholds[6]["doubt"] as? String == "too-short" && thresholds[7]["doubt"] as? String == "few-samples")
        // What is told every five seconds where there is no terminal has them with their values, those that are breached first.
        let progress = outcome.errors.split(separator: "\n").last { $0.contains("✗ rate > 1/s over 1s: ") }
        let line = try #require(progress, "\(outcome.errors)")
        #expect(line.contains("✗ max < 2s: "), "\(line)")
        #expect(line.firstMatch(of: /✓ p50 < 900ms: [0-9.]+ (µs|ms)/) != nil, "\(line)")
        try await written.checkSchema()
    }

    @Test func whatCannotBeJudgedIsAWarningAndAnErrorWithStrict() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let arguments = ["-n", "3", "--expect", "p95(GET /nowhere) < 1s"]
        let json = directory.path + "/summary.json"
        let (lenient, written) = try await run(server, "/", arguments, json: json)
        #expect(lenient.status == 0)
        #expect(
            lenient.output.contains(
                "warning: p95(GET /nowhere) < 1s was not judged: no hit is named GET /nowhere"), "\(lenient.output)")
        #expect(try written.list("thresholds").first?["doubt"] as? String == "unknown-name")
        try await written.checkSchema()
        #expect(try await run(server, "/", arguments + ["--strict"], json: json).outcome.status == 4)
        await server.stop()
    }

    @Test func aThresholdThatIsNoneIsWrongUsageAndPointsAtTheCharacter() async throws {
        let outcome = try await Program.run(["http://127.0.0.1:1/", "--expect", "p95 << 200ms"])
        #expect(outcome.status == 64)
        #expect(
            outcome.errors == """
                loads: --expect: << is no comparison (<, <=, >, >=, ==)
                    p95 << 200ms
                        ^

                """)
        let directory = try TemporaryDirectory()
        let file = directory.path + "/loads.yml"
        try "target: http://127.0.0.1:1/\nexpect:\n  - errors < 1%\n  - rate > 900\n".write(
            toFile: file, atomically: true, encoding: .utf8)
        let listed = try await Program.run(["--config", file])
        #expect(listed.status == 64)
        #expect(listed.errors.contains("\(file):4: expect: the unit is missing (try 900/s)"), "\(listed.errors)")
    }

    @Test func aRunnerThatCrashesMakesTheRunIncomplete() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let process = try Program.start([
            server.url + "/delay/5", "-d", "60s", "--json", json, "--expect", "errors < 50%", "--strict",
        ])
        try await process.wait(for: "hits") { server.requests > 20 }
        let runner = try #require(URLRunTests.children(of: process.identifier).first)
        kill(runner, SIGKILL)
        let outcome = try await process.outcome()
        await server.stop()
        #expect(outcome.status == 71, "a crash is graver than what it makes of the numbers")
        let written = try Written(json: json)
        #expect(written.value("verdict.kind") as? String == "incomplete")
        #expect(try written.list("verdict.reasons").first?["code"] as? String == "crash")
        #expect(outcome.output.contains("verdict     incomplete"))
        try await written.checkSchema()
    }

    @Test func aBodyThatBlocksMakesTheGeneratorTheLimit() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let outcome = try await Program.run([
            "SiteTests.Bodies/blocks", "--package", Program.site, "--server-url", server.url, "-c", "2", "-n", "5",
            "--json", json, "--strict",
        ])
        await server.stop()
        #expect(outcome.status == 4, "\(outcome.output)\(outcome.errors)")
        let written = try Written(json: json)
        #expect(written.value("verdict.kind") as? String == "generator-limited")
        let codes = try written.list("verdict.reasons").compactMap { $0["code"] as? String }
        #expect(codes.contains("blocking") || codes.contains("loop-lag"), "\(codes)")
        #expect(outcome.output.contains("verdict     generator-limited"))
        try await written.checkSchema()
    }

    /// Each user is sent on to three more servers, and so needs four connections: of 45 users some find none left.
    @Test func hitsThatFindNoDescriptorMakeTheGeneratorTheLimit() async throws {
        let servers = try (0..<4).map { _ in try TestServer() }
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let url = try servers.dropLast().reversed().reduce(servers[3].url + "/delay/300") { target, server in
            let encoded = try #require(target.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            return "\(server.url)/redirect-to?url=\(encoded)"
        }
        let outcome = try await ChildProcess.run([
            "sh", "-c", "ulimit -Sn 145; ulimit -Hn 145; exec \"$@\"", "sh", Program.path, url, "-c", "45", "-n", "4",
            "--json", json, "--strict", "--expect", "errors < 100%",
        ])
        for server in servers { await server.stop() }
        #expect(outcome.status == 4, "\(outcome.output)\(outcome.errors)")
        let written = try Written(json: json)
        #expect(written.value("verdict.kind") as? String == "generator-limited")
        let reasons = try written.list("verdict.reasons")
        let reason = try #require(reasons.first { $0["code"] as? String == "descriptors" })
        let failed = try written.number("hits.failed")
        #expect(failed > 0 && (reason["actual"] as? NSNumber)?.doubleValue == failed)
        #expect(try #require(reason["text"] as? String).contains("raise `ulimit -n`"))
        #expect(try written.number("hits.count") == 180)
        #expect(outcome.output.contains("descriptors or ports"))
        try await written.checkSchema()
    }

    @Test func arrivalsThatFindNoUserAreToldAndMakeTheGeneratorTheLimit() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        // One user that takes 200 ms for each: of ten in a second it makes five at most.
        let (outcome, written) = try await run(
            server, "/delay/200",
            [
                "--rate", "10/s", "-d", "3s", "--max-users", "1", "--queue", "0", "--strict", "--expect",
                "dropped > 30%",
                "--expect", "min(response) >= 200ms", "--expect", "min(iterations) >= 200ms", "--expect",
                "max(lag) < 1m",
            ], json: directory.path + "/summary.json")
        await server.stop()
        #expect(outcome.status == 4, "\(outcome.output)\(outcome.errors)")
        #expect(try written.list("thresholds").map { $0["passed"] as? Bool } == [true, true, true, true])
        #expect(written.value("verdict.kind") as? String == "generator-limited")
        let codes = try written.list("verdict.reasons").compactMap { $0["code"] as? String }
        #expect(codes.contains("dropped-arrivals"))
        #expect(outcome.output.contains("arrivals"))
        try await written.checkSchema()
    }

    @Test func whatIsMeasuredInTheWarmUpIsNotJudged() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        // Until its second 4 the server lets everybody wait, which is longer than this machine does.
        let (outcome, written) = try await run(
            server, "/stall/0/4",
            [
                "-c", "2", "-d", "8s", "--think", "5ms", "--warm-up", "5s", "--expect", "max < 2s", "--expect",
                "rate > 1/s over 2s",
            ], json: directory.path + "/summary.json")
        await server.stop()
        #expect(outcome.status == 0, "\(outcome.output)")
        let thresholds = try written.list("thresholds")
        #expect(thresholds.map { $0["passed"] as? Bool } == [true, true])
        #expect(thresholds[1]["windows"] as? Int == 2)
        try await written.checkSchema()
    }
}

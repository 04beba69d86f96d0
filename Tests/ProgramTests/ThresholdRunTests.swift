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
        // From its second 1 to 3 the server lets everybody wait.
        let (outcome, written) = try await run(
            server, "/stall/1/3",
            [
                "-c", "2", "-d", "6s", "--think", "5ms", "--expect", "rate > 1/s over 1s", "--expect",
                "rate > 1/s over 1s for 30s", "--expect", "p50 < 900ms", "--expect", "max < 500ms after 5m",
            ], json: directory.path + "/summary.json")
        await server.stop()
        let thresholds = try written.list("thresholds")
        #expect(outcome.status == 3, "\(outcome.output)")
        #expect(thresholds.map { $0["passed"] as? Bool } == [false, true, true, nil])
        #expect(try #require(thresholds[0]["broken_windows"] as? Int) >= 1)
        #expect(thresholds[3]["doubt"] as? String == "too-short")
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
        let outcome = try await process.outcome(timeout: .seconds(30))
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
        // Until its second 1 the server lets everybody wait.
        let (outcome, written) = try await run(
            server, "/stall/0/1",
            [
                "-c", "2", "-d", "4s", "--think", "5ms", "--warm-up", "2s", "--expect", "max < 900ms", "--expect",
                "rate > 1/s over 1s",
            ], json: directory.path + "/summary.json")
        await server.stop()
        #expect(outcome.status == 0, "\(outcome.output)")
        let thresholds = try written.list("thresholds")
        #expect(thresholds.map { $0["passed"] as? Bool } == [true, true])
        #expect(thresholds[1]["windows"] as? Int == 2)
        try await written.checkSchema()
    }

    /// A search, once more where the machine itself was busy with something else: then it says so, and tells no limit.
    private func size(_ arguments: [String], path: String) async throws -> (ChildProcess.Outcome, Written) {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/size.json"
        var last: (ChildProcess.Outcome, Written)?
        for _ in 0..<4 {
            let outcome = try await Program.run(["size", server.url + path, "--json", json] + arguments)
            let size = try Written(json: json)
            last = (outcome, size)
            if size.value("limit") as? String != "generator" { break }
            #expect(outcome.output.contains("generator is the limit"))
        }
        #expect(server.requests > 0)
        await server.stop()
        return try #require(last)
    }

    @Test func sizeFindsTheArrivalsThatAServerBears() async throws {
        // Two places, 50 ms of work: 40 a second.
        let (outcome, size) = try await size(
            ["--expect", "p90 < 400ms", "--rate", "10/s", "-d", "3s", "--precision", "15%"], path: "/queue/2/50")
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(size.value("unit") as? String == "per_s" && size.value("limit") as? String == "target")
        #expect(try size.list("steps").map { $0["load"] as? Int }.prefix(2) == [10, 20], "\(outcome.output)")
        let found = try #require(size.value("found") as? Int)
        #expect((25...60).contains(found), "\(outcome.output)")
    }

    /// A user who is busy for 100 ms makes ten iterations a second: the server would bear any number.
    @Test func sizeSaysWhenItsOwnUsersAreTheLimit() async throws {
        let options = ["--expect", "p95 < 1s", "--max-users", "1", "--queue", "0", "-d", "2s"]
        let (outcome, size) = try await size(["--rate", "2/s", "--precision", "20%"] + options, path: "/delay/100")
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(size.value("limit") as? String == "max-users", "\(outcome.output)")
        #expect(outcome.output.contains("beyond, --max-users 1 is the limit, not the target"), "\(outcome.output)")
        let (none, nothing) = try await self.size(
            ["--rate", "30/s", "--to", "30", "--precision", "50%"] + ["--strict"] + options, path: "/delay/100")
        #expect(none.status == 4 && nothing.value("limit") as? String == "max-users", "\(none.output)")
    }

    /// Every arrival but the first finds the one user busy, whatever the rate.
    @Test func sizeThatLearnsNothingOfTheTargetHasACodeOfItsOwn() async throws {
        let (outcome, size) = try await size(
            [
                "--expect", "p95 < 60s", "--rate", "60/m", "--to", "1/s", "--max-users", "1", "--queue", "0", "-d",
                "3s",
            ], path: "/delay/2500")
        #expect(outcome.status == 4, "\(outcome.output)")
        #expect(size.value("limit") as? String == "max-users" && size.value("found") as? Int == nil)
        #expect(outcome.output.contains("--max-users 1 is the limit, even with 1/s"), "\(outcome.output)")
    }

    @Test func sizeCountsFractionsOfARate() async throws {
        let (outcome, size) = try await size(
            ["--expect", "p95 < 1s", "--rate", "90/m", "--to", "3/s", "-d", "2s"], path: "/delay/1")
        #expect(outcome.status == 0 && size.value("unit") as? String == "per_min", "\(outcome.output)")
        #expect(try size.list("steps").map { $0["load"] as? Int } == [90, 180, 180], "\(outcome.output)")
        #expect(size.value("limit") as? String == "range" && outcome.output.contains("180/m"))
    }

    /// Four places, 50 ms of work: with 24 users the last one in the line waits for 300 ms.
    @Test func sizeFindsTheLimitOfAServerThatIsKnown() async throws {
        let (outcome, size) = try await size(
            [
                "--expect", "p90 < 325ms after 1s", "--expect", "errors < 1%", "-c", "4", "-d", "3s", "--precision",
                "10%",
            ], path: "/queue/4/50")
        let steps = try size.list("steps")
        #expect(steps.map { $0["load"] as? Int }.prefix(3) == [4, 8, 16], "\(outcome.output)")
        #expect(outcome.output.contains("p95 of the latency by load"))
        #expect(size.value("limit") as? String == "target" && outcome.status == 0, "\(outcome.output)")
        let found = try #require(size.value("found") as? Int)
        #expect((12...26).contains(found), "\(outcome.output)")
        #expect(outcome.output.contains("the target bears \(found) users"))
        #expect(steps.last?["purpose"] as? String == "confirm")
    }

    @Test func sizeSaysSoWhenNotEvenOneUserIsBorne() async throws {
        let server = try TestServer()
        let outcome = try await Program.run([
            "size", server.url + "/delay/30", "--expect", "p50 < 10ms", "-d", "1s",
        ])
        await server.stop()
        #expect(outcome.status == 3, "\(outcome.output)")
        #expect(outcome.output.contains("1 user"))
    }

    @Test func sizeWantsToKnowWhatIsToBeKeptTo() async throws {
        let outcome = try await Program.run(["size", "http://127.0.0.1:1/", "-n", "7", "--precision", "x"])
        #expect(outcome.status == 64)
        for part in ["no --expect", "--iterations 7", "--precision x"] {
            #expect(outcome.errors.contains(part), "\(outcome.errors)")
        }
    }
}

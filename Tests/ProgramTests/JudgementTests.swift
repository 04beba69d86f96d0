import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// What thresholds and the verdict say of runs that end badly, or by half, on a real server.
@Suite struct JudgementTests {
    private struct Run {
        let outcome: ChildProcess.Outcome
        let written: Written
        let folder: TemporaryDirectory

        var passed: [Bool?] { get throws { try written.list("thresholds").map { $0["passed"] as? Bool } } }
        var reasons: [String] {
            get throws { try written.list("verdict.reasons").compactMap { $0["code"] as? String } }
        }

        func reason(_ code: String) throws -> String {
            let reason = try written.list("verdict.reasons").first { $0["code"] as? String == code }
            return try #require(reason?["text"] as? String, "\(outcome.output)")
        }

        func file(_ name: String) throws -> String {
            try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)
        }
    }

    private func run(
        _ path: String, _ arguments: [String], files: [(option: String, name: String)] = []
    ) async throws -> Run {
        let server = try TestServer()
        let folder = try TemporaryDirectory()
        let json = folder.path + "/summary.json"
        let outputs = files.flatMap { [$0.option, folder.path + "/" + $0.name] }
        let outcome = try await Program.run([server.url + path, "--json", json] + outputs + arguments)
        await server.stop()
        try #require(FileManager.default.fileExists(atPath: json), "\(outcome.output)\(outcome.errors)")
        let stream = files.first { $0.option == "--stream" }.map { folder.path + "/" + $0.name }
        return Run(outcome: outcome, written: try Written(json: json, stream: stream), folder: folder)
    }

    // MARK: A target that hangs until the end

    @Test(arguments: [
        ["--rate", "40/s", "--expect", "p99(response) < 200ms", "--expect", "p99(iterations) < 200ms"],
        ["-c", "4", "--think", "5ms", "--expect", "max(service) < 200ms", "--expect", "max(iterations) < 200ms"],
    ])
    func whatIsCutOffAtTheEndOfTheGraceBreaksThresholdsAndMakesTheRunIncomplete(_ model: [String]) async throws {
        let arguments = model + ["-d", "3s", "--grace", "1s", "--expect", "failures == 0", "--expect", "p100 < 200ms"]
        // From its second 1 on the server answers nobody.
        let run = try await run("/stall/1/600", arguments + ["--strict"], files: [("--junit", "junit.xml")])
        #expect(run.outcome.status == 4, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(try run.passed == [false, false, true, false], "\(run.outcome.output)")
        let cutOff = try Int(run.written.number("iterations.cut_off"))
        #expect(cutOff >= 4)
        #expect(try run.written.number("iterations.interrupted") == Double(cutOff))
        #expect(run.written.value("verdict.kind") as? String == "incomplete")
        #expect(try run.reason("cut-off").hasPrefix("\(cutOff) of "), "\(run.outcome.output)")
        #expect(run.outcome.output.contains("\(cutOff) cut off at the end of the grace"), "\(run.outcome.output)")
        // At least from the end of the plan to the end of the grace.
        #expect(try run.written.number("iteration_ms.service.max") >= 1000)
        let started = try run.written.number("iterations.started")
        let timed = try run.written.number("iterations.ok") + run.written.number("iterations.failed") + Double(cutOff)
        #expect(timed == started)
        let junit = try run.file("junit.xml")
        #expect(junit.contains("<error message=\"the run is incomplete\""), "\(junit)")
        #expect(junit.contains("<failure message=\"p100 &lt; 200ms"), "\(junit)")
        try await run.written.checkSchema()
        #expect(try await self.run("/stall/1/600", arguments).outcome.status == 3)
    }

    // MARK: A run that is stopped

    @Test func whatLoadsCancelsItselfIsShownAndJudgedNowhere() async throws {
        let run = try await run(
            "/delay/400",
            [
                "-c", "3", "-d", "10m", "--expect", "hits < 6 abort", "--expect", "errors == 0", "--expect",
                "p100 >= 400ms",
            ],
            files: [("--stream", "hits.ndjson")])
        #expect(run.outcome.status == 3, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(try run.passed == [false, true, true], "\(run.outcome.output)")
        let cancelled = try Int(run.written.number("hits.cancelled"))
        #expect((1...3).contains(cancelled), "\(run.outcome.output)")
        #expect(try run.written.number("hits.failed") == 0)
        #expect(try run.written.list("errors").isEmpty)
        #expect(try run.written.number("iterations.cut_off") == 0)
        #expect(run.outcome.output.contains("\(cancelled) cancelled with the run"), "\(run.outcome.output)")
        // The stream has them all.
        #expect(try Double(run.written.lines.count) == run.written.number("hits.count") + Double(cancelled))
        #expect(run.written.lines.count { $0["error"] as? String == "cancelled" } == cancelled)
        #expect(try !run.reasons.contains("cut-off"))
        try await run.written.checkSchema()
    }

    /// Five users who are all busy for 20 s, and an arrival every 20 ms: what waits when the first second has been judged has found
    /// no user only because the run is stopped.
    @Test func arrivalsThatAStopComesBeforeAreNotDropped() async throws {
        let run = try await run(
            "/delay/20000",
            [
                "--rate", "50/s", "-d", "10m", "--max-users", "5", "--strict", "--expect", "rate > 1/s over 1s abort",
                "--expect", "dropped == 0",
            ], files: [("--markdown", "comment.md")])
        #expect(try run.passed == [false, true], "\(run.outcome.output)")
        let cancelled = try Int(run.written.number("arrivals.cancelled"))
        #expect(try run.written.number("arrivals.dropped") == 0 && run.written.number("arrivals.started") == 5)
        #expect(cancelled >= 40)
        #expect(try run.written.number("arrivals.planned") == Double(cancelled + 5))
        #expect(
            run.outcome.output.contains("5 started") && run.outcome.output.contains("0 dropped, \(cancelled) cancelled")
        )
        #expect(try run.file("comment.md").contains("0 dropped (0 %), \(cancelled) cancelled with the run"))
        // A machine that is busy with other things may have other reasons.
        let reasons = try run.reasons
        #expect(!reasons.contains("dropped-arrivals") && !reasons.contains("user-wait"), "\(run.outcome.output)")
        #expect(run.outcome.status == (reasons.isEmpty ? 3 : 4), "\(run.outcome.output)")
        try await run.written.checkSchema()
    }

    // MARK: Seconds

    @Test func aWindowHoldsExactlyTheHitsThatEndedInIt() async throws {
        let run = try await run(
            "/mixed/0:5,30:3,300:2",
            [
                "--rate", "60/s", "-d", "5s", "--expect", "hits > 100000 over 1s", "--expect", "hits < 1 over 1s",
                "--expect",
                "rate < 1/s over 2s",
            ], files: [("--stream", "hits.ndjson"), ("--csv-series", "series.csv")])
        #expect(run.outcome.status == 3, "\(run.outcome.output)\(run.outcome.errors)")
        var counts: [Int: Int] = [:]
        var isSure = true
        for line in run.written.lines {
            let t = try #require((line["t"] as? NSNumber)?.doubleValue)
            let ms = try #require((line["ms"] as? NSNumber)?.doubleValue)
            let end = t + ms / 1000
            counts[Int(end), default: 0] += 1
            // `t` has microseconds: of one that ended within two of a second's end nobody can tell by them.
            if Int(end - 2e-6) != Int(end + 2e-6) { isSure = false }
        }
        #expect(counts.values.reduce(0, +) == 300)
        var series: [Int: Int] = [:]
        for line in try run.file("series.csv").split(separator: "\n").dropFirst() {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            if fields[2] == "all" { series[try #require(Int(fields[0])), default: 0] += try #require(Int(fields[5])) }
        }
        #expect(series.values.reduce(0, +) == 300)
        if isSure { #expect(series.filter { $0.value > 0 } == counts) }
        let seconds = (0..<5).map { series[$0] ?? 0 }
        let actual = try run.written.list("thresholds").map { try #require(($0["actual"] as? NSNumber)?.doubleValue) }
        #expect(actual[0] == Double(seconds.min()!), "\(seconds)")
        #expect(actual[1] == Double(seconds.max()!), "\(seconds)")
        #expect(actual[2] == Double(zip(seconds, seconds.dropFirst()).map(+).max()!) / 2, "\(seconds)")
        #expect(try run.written.list("thresholds").map { $0["windows"] as? Int } == [5, 5, 4])
    }

    @Test func aWarmUpOfHalfASecondLosesNothing() async throws {
        let run = try await run(
            "/delay/10",
            [
                "-c", "2", "-d", "3s", "--warm-up", "1500ms", "--expect", "hits > 0", "--expect", "rate > 0/s",
                "--expect",
                "iterations > 0",
            ])
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        let thresholds = try run.written.list("thresholds")
        let hits = try run.written.number("hits.count")
        #expect(thresholds[0]["actual"] as? Double == hits)
        #expect(thresholds[0]["samples"] as? Int == Int(hits))
        let rate = try #require((thresholds[1]["actual"] as? NSNumber)?.doubleValue)
        #expect(try abs(rate - run.written.number("hits.rate_per_s")) < 0.01)
        #expect(try thresholds[2]["actual"] as? Double == run.written.number("iterations.ok"))
    }

    // MARK: Numbers that must be reached

    @Test func aNumberThatMustBeReachedIsJudgedAtTheEndAndStopsNothing() async throws {
        let run = try await run(
            "/delay/100",
            ["-c", "1", "-n", "25", "--expect", "hits == 25", "--expect", "hits >= 25", "--expect", "hits > 25"])
        #expect(run.outcome.status == 3, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(try run.passed == [true, true, false])
        #expect(!run.outcome.errors.contains("is breached"), "\(run.outcome.errors)")
        let refused = try await Program.run(["http://127.0.0.1:1/", "--expect", "hits >= 1000 abort"])
        #expect(refused.status == 64)
        #expect(
            refused.errors.contains(
                "a number that must be reached is judged at the end, where nothing is left to stop (try over 10s)\n"
                    + "    hits >= 1000 abort\n" + "                 ^"), "\(refused.errors)")
    }

    // MARK: Bottlenecks of the generator

    @Test func arrivalsThatWaitLongForAUserMakeTheGeneratorTheLimit() async throws {
        // Two users that take 200 ms each: of twenty in a second they make ten at most.
        let run = try await run(
            "/delay/200", ["--rate", "20/s", "-d", "2s", "--max-users", "2", "--queue", "1000", "--strict"])
        #expect(run.outcome.status == 4, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.written.value("verdict.kind") as? String == "generator-limited")
        #expect(try run.reasons.contains("user-wait"), "\(run.outcome.output)")
        #expect(try run.reason("user-wait").contains("--max-users"))
        #expect(try run.written.number("arrivals.dropped") == 0)
        #expect(try run.written.number("user_wait_ms.max") > 1000)
        #expect(try run.written.number("arrivals.in_plan") == 40)
        #expect(run.outcome.output.contains("that waited for a user"), "\(run.outcome.output)")
        try await run.written.checkSchema()
    }

    @Test func aBodyThatBlocksDelaysTheScheduleAndThatIsSaid() async throws {
        let server = try TestServer()
        let folder = try TemporaryDirectory()
        let json = folder.path + "/summary.json"
        // One loop, 40 ms of it for each: of fifty in a second it makes half.
        let outcome = try await Program.run([
            "SiteTests.Bodies/blocks", "--package", Program.site, "--server-url", server.url, "--rate", "50/s", "-d",
            "2s",
            "--loops", "1", "--max-users", "200", "--json", json, "--strict", "--expect", "p50(lag) < 10ms",
        ])
        await server.stop()
        #expect(outcome.status == 4, "\(outcome.output)\(outcome.errors)")
        let codes = try Written(json: json).list("verdict.reasons").compactMap { $0["code"] as? String }
        #expect(codes.contains("schedule-lag") && codes.contains("loop-lag"), "\(outcome.output)")
        #expect(try Written(json: json).list("thresholds")[0]["passed"] as? Bool == false)
    }

    /// Threads that compute, of a program with one user, which one core would do for. On a machine that is busy with other things it
    /// may not get that: then it is tried again, and in the end it must be told as it was.
    @Test func aRunnerThatUsesAllItCanMakesTheGeneratorTheLimit() async throws {
        let folder = try TemporaryDirectory()
        let json = folder.path + "/summary.json"
        let script = """
            import hashlib, os, sys, threading, time
            sys.stdin.readline()
            end = time.monotonic() + 3
            def compute():
                while time.monotonic() < end: hashlib.pbkdf2_hmac("sha256", b"a", b"b", 20000)
            threads = [threading.Thread(target=compute) for _ in range(16)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            os.write(int(os.environ["LOADS_RESULTS_FD"]), b'{"iteration":{"ms":3000}}\\n')
            """
        let path = try folder.write(script, to: "computes.py")
        var (cores, codes, status) = (0.0, [String?](), Int32(0))
        for _ in 0..<4 where cores <= 1 {
            let outcome = try await Program.run([
                "-c", "1", "-n", "1", "--json", json, "--strict", "--", "python3", path,
            ])
            let written = try Written(json: json)
            try await written.checkSchema()
            cores = try written.number("generator.cpu_s") / written.number("run.duration_s")
            codes = try written.list("verdict.reasons").map { $0["code"] as? String }
            status = outcome.status
            if cores > 1 { #expect(outcome.output.contains(" of the core that it can use"), "\(outcome.output)") }
        }
        if cores > 1 { #expect(codes == ["cpu"] && status == 4, "\(cores) cores") }
        if cores < 0.8 { #expect(codes == [] && status == 0, "\(cores) cores") }
    }

    /// Four others that never rest have the runner's only core, too.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/taskset"), "no taskset"))
    func aRunnerThatWaitsForItsCoreMakesTheGeneratorTheLimit() async throws {
        let server = try TestServer()
        let folder = try TemporaryDirectory()
        let json = folder.path + "/summary.json"
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let core = String(try #require(status.firstMatch(of: /Cpus_allowed_list:\s+([0-9]+)/)).1)
        let others = try (0..<4).map { _ in
            try ChildProcess(["taskset", "-c", core, "sh", "-c", "while :; do :; done"])
        }
        let outcome = try await ChildProcess.run([
            "taskset", "-c", core, Program.path, server.url + "/", "-c", "20", "-d", "3s", "--json", json, "--strict",
        ])
        for other in others { await other.stop() }
        await server.stop()
        #expect(outcome.status == 4, "\(outcome.output)\(outcome.errors)")
        let codes = try Written(json: json).list("verdict.reasons").compactMap { $0["code"] as? String }
        #expect(codes.contains("core-wait"), "\(outcome.output)")
        try await Written(json: json).checkSchema()
    }

    // MARK: Nothing to judge

    @Test func aProgramThatReportsNothingLeavesNoNumberToTrust() async throws {
        let folder = try TemporaryDirectory()
        let json = folder.path + "/summary.json"
        let arguments = ["-c", "1", "-n", "1", "--json", json]
        let outcome = try await Program.run(arguments + ["--strict", "--", "sh", "-c", "read plan"])
        #expect(outcome.status == 4, "\(outcome.output)\(outcome.errors)")
        let written = try Written(json: json)
        #expect(written.value("verdict.kind") as? String == "incomplete")
        #expect(try written.list("verdict.reasons").map { $0["code"] as? String } == ["nothing-measured"])
        try await written.checkSchema()
        #expect(try await Program.run(arguments + ["--", "sh", "-c", "read plan"]).status == 69)
    }

    // MARK: A mix

    @Test func iterationsOfAMixAreEachJudgedByTheirOwnTime() async throws {
        let server = try TestServer()
        let folder = try TemporaryDirectory()
        let (json, plan) = (folder.path + "/summary.json", folder.path + "/loads.yml")
        try """
        scenarios:
          - target: SiteTests.Bodies/awaits
            users: 3
            duration: 2s
          - target: SiteTests.Pages/front
            rate: 10/s
            duration: 2s
        package: \(Program.site)
        server-url: \(server.url)
        expect:
          - max(iterations) < 1ms
          - max(response) < 1ms
          - max(service) < 1ms
        json: \(json)
        """.write(toFile: plan, atomically: true, encoding: .utf8)
        let outcome = try await Program.run(["--config", plan])
        await server.stop()
        #expect(outcome.status == 3, "\(outcome.output)\(outcome.errors)")
        let written = try Written(json: json)
        let thresholds = try written.list("thresholds")
        let all = try written.number("iterations.ok")
        #expect(thresholds.map { $0["samples"] as? Int } == [Int(all), 20, Int(all)], "\(outcome.output)")
        #expect(outcome.output.contains("of 20 arrivals"), "\(outcome.output)")
        #expect(outcome.output.contains("of all \(Int(all))"), "\(outcome.output)")
        try await written.checkSchema()
    }
}

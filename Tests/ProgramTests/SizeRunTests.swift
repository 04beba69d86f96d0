import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// `loads size` on servers whose limit is known, and on those of which nothing can be said.
@Suite struct SizeRunTests {
    /// A search, once more where the machine itself was busy with something else: then it says so, and tells no limit.
    private func size(_ arguments: [String], path: String) async throws -> (ChildProcess.Outcome, Written) {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/size.json"
        var last: (ChildProcess.Outcome, Written)?
        for _ in 0..<10 {
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

    /// The loads in their order, without those that were tried again because the machine was busy for a moment.
    private static func loads(_ size: Written) throws -> [Int?] {
        try size.list("steps").filter { $0["outcome"] as? String != "generator-limited" }.map { $0["load"] as? Int }
    }

    @Test func findsTheArrivalsThatAServerBears() async throws {
        // Two places, 50 ms of work: 40 a second.
        let (outcome, size) = try await size(
            ["--expect", "p90 < 400ms", "--rate", "10/s", "-d", "3s", "--precision", "15%"], path: "/queue/2/50")
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(size.value("unit") as? String == "per_s" && size.value("limit") as? String == "target")
        #expect(try Self.loads(size).prefix(2) == [10, 20], "\(outcome.output)")
        let found = try #require(size.value("found") as? Int)
        #expect((25...60).contains(found), "\(outcome.output)")
    }

    /// A user who is busy for 100 ms makes ten iterations a second: the server would bear any number.
    @Test func saysWhenItsOwnUsersAreTheLimit() async throws {
        let options = ["--expect", "p95 < 1s", "--max-users", "1", "--queue", "0", "-d", "2s"]
        let (outcome, size) = try await size(["--rate", "2/s", "--precision", "20%"] + options, path: "/delay/100")
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(size.value("limit") as? String == "max-users", "\(outcome.output)")
        #expect(outcome.output.contains("beyond, --max-users 1 is the limit, not the target"), "\(outcome.output)")
        let (none, nothing) = try await self.size(
            ["--rate", "30/s", "--to", "30", "--precision", "50%"] + ["--strict"] + options, path: "/delay/100")
        #expect(none.status == 4 && nothing.value("limit") as? String == "max-users", "\(none.output)")
    }

    /// Every arrival but the first finds the one user busy, whatever the rate: it is dropped, or waits.
    @Test(arguments: [["--queue", "0"], []])
    func aSearchThatLearnsNothingOfTheTargetHasACodeOfItsOwn(_ queue: [String]) async throws {
        let (outcome, size) = try await size(
            ["--expect", "p95 < 60s", "--rate", "60/m", "--to", "1/s", "--max-users", "1", "-d", "3s"] + queue,
            path: "/delay/2500")
        #expect(outcome.status == 4, "\(outcome.output)")
        #expect(size.value("limit") as? String == "max-users" && size.value("found") as? Int == nil)
        #expect(outcome.output.contains("--max-users 1 is the limit, even with 1/s"), "\(outcome.output)")
    }

    /// The users of ten seconds are all busy when the eleventh arrival comes, which waits: no threshold tells.
    @Test func aTargetThatKeepsTheUsersOfTenSecondsIsTooSlow() async throws {
        let (outcome, size) = try await size(
            ["--expect", "p95 < 10m", "--rate", "1/s", "--to", "1/s", "-d", "11s"], path: "/delay/11500")
        #expect(outcome.status == 3, "\(outcome.output)")
        #expect(size.value("limit") as? String == "target" && size.value("found") as? Int == nil)
        #expect(outcome.output.contains("all users that there may be were busy"), "\(outcome.output)")
        let reasons = try size.list("steps").last.flatMap { $0["verdict"] as? [String: Any] }?["reasons"]
        #expect((reasons as? [[String: Any]])?.map { $0["code"] as? String } == ["user-wait"], "\(outcome.output)")
    }

    /// What is cut off at the end of the grace took longer than it was allowed: that is a breach, and not a doubt.
    @Test func aTargetThatHangsDoesNotBearTheLoad() async throws {
        let options = ["-c", "1", "--to", "1", "-d", "1s", "--grace", "1s"]
        let (outcome, size) = try await size(["--expect", "p95 < 200ms"] + options, path: "/never")
        #expect(outcome.status == 3, "\(outcome.output)")
        #expect(size.value("limit") as? String == "target" && size.value("found") as? Int == nil)
        #expect(outcome.output.contains("with 1 user p95 < 200ms is breached: "), "\(outcome.output)")
        // Whether it would have kept to this nobody knows.
        let (doubtful, unclear) = try await self.size(["--expect", "p95 < 10m"] + options, path: "/never")
        #expect(doubtful.status == 4 && unclear.value("limit") as? String == "unclear", "\(doubtful.output)")
        #expect(doubtful.output.contains("had not ended when the grace of 1s was over"), "\(doubtful.output)")
    }

    /// One place, 200 ms of work: with two users each waits for the other.
    @Test func aThresholdThatCouldNotBeJudgedIsToldAndAnErrorWithStrict() async throws {
        let options = ["--expect", "p50 < 300ms", "-c", "1", "--to", "2", "-d", "2s"]
        let (sure, _) = try await size(options + ["--strict"], path: "/queue/1/200")
        #expect(sure.status == 0 && !sure.output.contains("warning"), "\(sure.output)")
        let doubtful = options + ["--expect", "p95(GET /nowhere) < 1s", "--expect", "max < 10s over 10s"]
        let (lenient, size) = try await size(doubtful, path: "/queue/1/200")
        #expect(lenient.status == 0 && size.value("limit") as? String == "target", "\(lenient.output)")
        for warning in [
            "p95(GET /nowhere) < 1s was not judged: no hit is named GET /nowhere",
            "max < 10s over 10s was not judged: ",
        ] {
            #expect(lenient.output.contains("warning: " + warning), "\(lenient.output)")
        }
        #expect(try await self.size(doubtful + ["--strict"], path: "/queue/1/200").0.status == 4)
    }

    /// A body that holds its only loop for 40 ms of some 45: whatever the server bears, the generator does not.
    @Test func aGeneratorAtItsOwnLimitSaysNothingOfTheTarget() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/size.json"
        let outcome = try await Program.run([
            "size", "SiteTests.Bodies/blocks", "--package", Program.site, "--server-url", server.url, "--loops", "1",
            "-c",
            "2", "--to", "2", "-d", "2s", "--expect", "p95 < 60s", "--json", json,
        ])
        await server.stop()
        let size = try Written(json: json)
        #expect(outcome.status == 4, "\(outcome.output)\(outcome.errors)")
        #expect(size.value("limit") as? String == "generator" && size.value("found") as? Int == nil)
        // Each load is tried twice: it may have been a moment.
        #expect(try size.list("steps").map { $0["load"] as? Int } == [2, 2, 1, 1], "\(outcome.output)")
        #expect(outcome.output.contains("this generator is the limit, even with 1 user"), "\(outcome.output)")
    }

    @Test func countsFractionsOfARate() async throws {
        let (outcome, size) = try await size(
            ["--expect", "p95 < 1s", "--rate", "90/m", "--to", "3/s", "-d", "2s"], path: "/delay/1")
        #expect(outcome.status == 0 && size.value("unit") as? String == "per_min", "\(outcome.output)")
        #expect(try Self.loads(size) == [90, 180, 180], "\(outcome.output)")
        #expect(size.value("limit") as? String == "range" && outcome.output.contains("180/m"))
    }

    /// Four places, 50 ms of work: with 24 users the last one in the line waits for 300 ms.
    @Test func findsTheLimitOfAServerThatIsKnown() async throws {
        let (outcome, size) = try await size(
            [
                "--expect", "p90 < 325ms after 1s", "--expect", "errors < 1%", "-c", "4", "-d", "3s", "--precision",
                "10%",
            ], path: "/queue/4/50")
        let steps = try size.list("steps")
        #expect(try Self.loads(size).prefix(3) == [4, 8, 16], "\(outcome.output)")
        #expect(outcome.output.contains("p95 of the latency by load"))
        #expect(size.value("limit") as? String == "target" && outcome.status == 0, "\(outcome.output)")
        let found = try #require(size.value("found") as? Int)
        #expect((12...26).contains(found), "\(outcome.output)")
        #expect(outcome.output.contains("the target bears \(found) users"))
        #expect(steps.last?["purpose"] as? String == "confirm")
    }

    @Test func saysSoWhenNotEvenOneUserIsBorne() async throws {
        let (outcome, _) = try await size(["--expect", "p50 < 10ms", "-d", "1s"], path: "/delay/30")
        #expect(outcome.status == 3, "\(outcome.output)")
        #expect(outcome.output.contains("1 user"))
    }

    @Test func wantsToKnowWhatIsToBeKeptTo() async throws {
        let outcome = try await Program.run(["size", "http://127.0.0.1:1/", "-n", "7", "--precision", "x"])
        #expect(outcome.status == 64)
        for part in ["no --expect", "--iterations 7", "--precision x"] {
            #expect(outcome.errors.contains(part), "\(outcome.errors)")
        }
    }
}

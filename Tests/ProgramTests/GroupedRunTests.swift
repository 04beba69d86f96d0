import Foundation
import TestSupport
import Testing

/// Steps, checks, metrics and data on real servers.
@Suite(.serialized) struct GroupedRunTests {
    /// A run against a server of its own.
    private struct Run {
        let outcome: ChildProcess.Outcome
        let written: Written
        let log: [String]

        /// The values of a parameter in the log.
        func values(_ name: String) -> [String] {
            log.compactMap { line in
                line.firstRange(of: "?\(name)=").map { String(line[$0.upperBound...].prefix { $0 != " " }) }
            }
        }

        func named(_ list: String) throws -> [String: [String: Any]] {
            Dictionary(uniqueKeysWithValues: try written.list(list).map { (try #require($0["name"] as? String), $0) })
        }
    }

    private func run(_ arguments: [String], package: String? = Program.shop, requests: Int) async throws -> Run {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let place = package.map { ["--package", $0] } ?? []
        let outcome = try await Program.run(["--server-url", nginx.url, "--json", json] + place + arguments)
        let log = try await nginx.accessLog(atLeast: requests)
        await nginx.stop()
        try #require(FileManager.default.fileExists(atPath: json), "\(outcome.output)\(outcome.errors)")
        return Run(outcome: outcome, written: try Written(json: json), log: log)
    }

    @Test func theShopIsMeasuredInStepsChecksAndMetrics() async throws {
        let run = try await run(["ShopTests.Checkout/buys", "-c", "4", "-n", "10", "--seed", "7"], requests: 120)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.log.count == 120)
        // Each user has its row, in all of its iterations; each order its number.
        let customers = Dictionary(grouping: run.values("customer")) { $0 }.mapValues(\.count)
        #expect(customers == ["customer-00": 10, "customer-01": 10, "customer-02": 10, "customer-03": 10])
        #expect(Set(run.values("order")).count == 40)

        let steps = try run.named("steps").mapValues { $0["count"] as? Int }
        #expect(steps == ["sign in": 40, "cart": 40, "checkout{plan=pro}": 20, "checkout{plan=free}": 20])
        #expect(try run.named("steps").values.allSatisfy { $0["failed"] as? Int == 0 })
        // A step lasts at least as long as the one in it, and that as its request.
        func mean(_ object: [String: Any]?, _ key: String) throws -> Double {
            try #require(((object?[key] as? [String: Any])?["mean"] as? NSNumber)?.doubleValue)
        }
        let article = try run.written.list("names").first { $0["name"] as? String == "article" }
        let cart = try mean(try run.named("steps")["cart"], "duration_ms")
        #expect(try cart >= mean(article, "latency_ms"))
        let checkouts = try ["pro", "free"].map {
            try mean(try run.named("steps")["checkout{plan=\($0)}"], "duration_ms")
        }
        #expect(checkouts.reduce(0, +) / 2 >= cart)

        let check = try #require(try run.named("checks")["knows the author"])
        #expect(check["passed"] as? Int == 40 && check["failed"] as? Int == 0)
        let metrics = try run.named("metrics")
        #expect(metrics["orders"]?["sum"] as? Double == 40)
        #expect(metrics["pro customers"]?["share"] as? Double == 0.5)
        #expect(metrics["last user"]?["max"] as? Double == 3 && metrics["last user"]?["min"] as? Double == 0)
        let prices = try #require(metrics["cart"]?["values"] as? [String: Double])
        #expect(try #require(prices["min"]) >= 3.2 && #require(prices["max"]) <= 34.5)
        #expect(metrics["cart"]?["unit"] as? String == "EUR" && metrics["cart"]?["count"] as? Int == 40)
        #expect(run.written.value("plan.seed") as? Int == 7)
        for word in ["steps in", "checkout{plan=pro}", "knows the author", "100 %: 40 of 40 passed", " EUR"] {
            #expect(run.outcome.output.contains(word), "\(word): \(run.outcome.output)")
        }
        try await run.written.checkSchema()

        // The same seed draws the same articles.
        let again = try await self.run(
            ["ShopTests.Checkout/buys", "-c", "4", "-n", "10", "--seed", "7"], requests: 120)
        #expect(again.values("article").sorted() == run.values("article").sorted())
        #expect(Set(run.values("article")).count > 1)
    }

    @Test func stepsChecksAndMetricsCanBeJudged() async throws {
        let kept = [
            "p95(step sign in) < 1m", "p95(step checkout) < 1m", "min(step checkout{plan=pro}) > 0ms",
            "errors(step cart) == 0%",
            "count(step checkout) == 40", "rate(step cart) > 0/s", "checks == 100%", "checks(knows the author) == 100%",
            "count(check knows the author) == 40", "sum(metric orders) == 40", "count(metric orders) >= 40",
            "share(metric pro customers) == 50%", "last(metric last user) <= 3", "max(metric cart) <= 34.5",
            "p50(metric cart) > 3", "mean(metric cart) < 34.5",
        ]
        let broken = [
            "count(step checkout{plan=pro}) > 20", "checks < 100%", "sum(metric orders) < 40", "p0(metric cart) > 34.6",
        ]
        let unknown = ["p95(step chekout) < 1m", "checks(knows) > 1%", "sum(metric order) > 1"]
        let run = try await run(
            ["ShopTests.Checkout/buys", "-c", "4", "-n", "10"]
                + (kept + broken + unknown).flatMap { ["--expect", $0] }, requests: 120)
        #expect(run.outcome.status == 3, "\(run.outcome.output)\(run.outcome.errors)")
        let thresholds = try run.written.list("thresholds")
        let passed = Dictionary(
            uniqueKeysWithValues: try thresholds.map {
                (try #require($0["expression"] as? String), $0["passed"] as? Bool)
            })
        for expression in kept { #expect(passed[expression] == true, "\(expression): \(run.outcome.output)") }
        for expression in broken { #expect(passed[expression] == false, "\(expression): \(run.outcome.output)") }
        for expression in unknown { #expect(passed[expression] == .some(nil), "\(expression)") }
        #expect(thresholds.suffix(3).allSatisfy { $0["doubt"] as? String == "unknown-name" })
        try await run.written.checkSchema()
    }

    @Test func xctestHasTheSameWords() async throws {
        let run = try await run(["ShopTests.CheckoutXCT/testBuys", "-c", "2", "-n", "5"], requests: 10)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(Set(run.values("customer")) == ["customer-00", "customer-01"])
        #expect(try run.named("steps")["sign in"]?["count"] as? Int == 10)
        #expect(try run.named("checks")["knows the author"]?["passed"] as? Int == 10)
    }

    @Test func aUserForWhomThereIsNoUniqueRowFailsAndEnds() async throws {
        let run = try await run(["ShopTests.CheckoutXCT/testBuys", "-c", "101", "-n", "3"], requests: 300)
        #expect(run.outcome.status == 1)
        #expect(try run.written.number("iterations.ok") == 300 && run.written.number("iterations.failed") == 1)
        #expect(run.outcome.output.contains("customers.csv: all 100 rows are used up"), "\(run.outcome.output)")
        #expect(Set(run.values("customer")).count == 100)
    }

    // MARK: The end of the rows, and what is wrong in them

    @Test func rowsThatStopEndTheRunWithoutAFailure() async throws {
        let run = try await run(
            ["SiteTests.Rows/stopAtTheirEnd", "-c", "3", "-n", "100"], package: Program.site, requests: 10)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.values("row").sorted() == (0..<10).map(String.init))
        #expect(try run.written.number("iterations.ok") == 10 && run.written.number("iterations.failed") == 0)
        #expect(run.written.value("run.interrupted") as? Bool == false)
    }

    @Test func rowsThatFailEndTheRunWithAFailure() async throws {
        let run = try await run(
            ["SiteTests.Rows/failAtTheirEnd", "-n", "100"], package: Program.site, requests: 10)
        #expect(run.outcome.status == 1)
        #expect(run.values("row") == (0..<10).map(String.init))
        #expect(try run.written.number("iterations.ok") == 10 && run.written.number("iterations.failed") == 1)
        #expect(run.outcome.output.contains("rows.csv: all 10 rows are used up"), "\(run.outcome.output)")
    }

    /// The file has ten rows: users beyond these fail once, and get no more arrivals.
    @Test func usersWithoutARowOfTheirOwnEndWhateverTheModel() async throws {
        // As many users are made before the first arrival as may be needed soon.
        let open = try await run(
            ["SiteTests.Rows/belongToOneUser", "--rate", "400/s", "-d", "500ms", "--max-users", "20"],
            package: Program.site, requests: 180)
        #expect(open.outcome.status == 1, "\(open.outcome.output)\(open.outcome.errors)")
        let failed = try open.written.number("iterations.failed")
        #expect((1...10).contains(failed) && Set(open.values("row")).isSubset(of: Set((0..<10).map(String.init))))
        #expect(try open.written.number("arrivals.planned") == 200 && open.written.number("arrivals.dropped") == 0)
        #expect(try open.written.number("iterations.ok") == 200 - failed)
        #expect(open.outcome.errors.contains("ended before the plan was done: a test ended"), "\(open.outcome.errors)")

        let stages = try await run(
            ["SiteTests.Rows/belongToOneUser", "--stages", "0s:12,1s:12", "--think", "100ms"], package: Program.site,
            requests: 20)
        #expect(try stages.written.number("iterations.failed") == 2)
        #expect(stages.outcome.errors.contains("2 users ended before the plan was done: a test ended them"))
    }

    @Test func wrongRowsAreToldByFileAndLineAndEndTheRun() async throws {
        let run = try await run(["SiteTests.Rows/areWrong", "-d", "60s"], package: Program.site, requests: 0)
        #expect(run.outcome.status == 1 && run.log.isEmpty)
        #expect(try run.written.number("iterations.failed") == 1)
        for line in ["wrong.csv: 2 rows are wrong", "wrong.csv:3: 2 fields, but the header has 1", "wrong.csv:4: "] {
            #expect(run.outcome.output.contains(line), "\(line): \(run.outcome.output)")
        }
    }

    @Test func theEnvironmentReachesTheTests() async throws {
        let run = try await run(
            ["SiteTests.Rows/environment", "--env", "SITE_WORD=tea"], package: Program.site, requests: 1)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(run.values("word") == ["tea"])
    }

    // MARK: Programs

    @Test func aProgramsLinesAreCountedAndItHasItsEnvironment() async throws {
        let directory = try TemporaryDirectory()
        let script = """
            import json, os, sys
            plan = json.loads(sys.stdin.readline())["plan"]
            results = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w")
            for user in range(plan["users"]):
                for what in [
                    {"step": {"name": "checkout", "ms": 12.5, "tags": {"word": os.environ["SITE_WORD"]}}},
                    {"check": {"name": "has token", "passed": user % 2 == 0}},
                    {"metric": {"name": "cart", "kind": "trend", "value": user + 0.5, "unit": "EUR"}},
                    {"metric": {"name": "seed", "kind": "gauge", "value": plan["seed"]}},
                    {"iteration": {"ms": 13}},
                ]:
                    print(json.dumps(what), file=results)
            """
        let path = directory.path + "/steps.py"
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        let junit = directory.path + "/junit.xml"
        let run = try await run(
            [
                "-c", "4", "--seed", "99", "--env", "SITE_WORD=a b", "--junit", junit, "--expect",
                "p95(step checkout) < 1m",
                "--expect", "p95(step chekout) < 1m", "--", "python3", path,
            ], package: nil, requests: 0)
        #expect(run.outcome.status == 0, "\(run.outcome.output)\(run.outcome.errors)")
        #expect(try run.named("steps")["checkout{word=\"a b\"}"]?["count"] as? Int == 4)
        #expect(try run.named("checks")["has token"]?["failed"] as? Int == 2)
        let metrics = try run.named("metrics")
        #expect((metrics["cart"]?["values"] as? [String: Double])?["max"] == 3.5)
        #expect(metrics["seed"]?["last"] as? Double == 99)
        // Checks and thresholds are cases: one that did not always pass, one that is kept, one that could not be judged.
        try await OutputTests.checkJUnit(junit)
        let report = try String(contentsOfFile: junit, encoding: .utf8)
        for part in [
            "<testsuite name=\"loads.checks\" tests=\"1\" failures=\"1\"", "<testcase name=\"has token\"",
            "<failure message=\"2 of 4 failed (50.0 % passed)\"",
            "<testsuite name=\"loads.thresholds\" tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"1\"",
            "<testcase name=\"p95(step checkout) &lt; 1m\" classname=\"loads.thresholds\" time=\"0.000\"/>",
            "<skipped message=\"no step is named chekout\"/>",
        ] {
            #expect(report.contains(part), "\(part): \(report)")
        }
    }
}

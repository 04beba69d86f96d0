import Foundation
import TestSupport
import Testing

/// Load models on agents in three languages, and in programs of two.
@Suite struct MixedModelTests {
    /// What the runs are about, and how many requests an iteration of it makes.
    private static func target(_ name: String, _ nginx: Nginx) throws -> (words: [String], requests: Int) {
        switch name {
        case "python": (["--server-url", nginx.url, "--"] + (try program(name)), 2)
        case "node": (["--server-url", nginx.url, "--"] + (try program(name)), 2)
        default: ([nginx.url + "/"], 1)
        }
    }

    private static func program(_ language: String) throws -> [String] {
        language == "python"
            ? [try Clients.python(), Clients.path + "/python/examples/checkout.py"]
            : ["node", Clients.path + "/node/examples/checkout.mjs"]
    }

    private static func cluster(_ body: (MixedCluster, Nginx, _ json: String) async throws -> Void) async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let cluster = try await MixedCluster(in: directory)
        try await body(cluster, nginx, directory.path + "/summary.json")
        await cluster.stop()
        await nginx.stop()
    }

    // MARK: Agents in three languages

    @Test(arguments: ["url", "python", "node"])
    func aRateOverThreeLanguagesAddsUpToThePlan(_ name: String) async throws {
        try await Self.cluster { cluster, nginx, json in
            let target = try Self.target(name, nginx)
            // 40.5/s over 4 s are arrivals 0 to 161; those up to 40 are due in the first second.
            let outcome = try await cluster.loads(
                "run", ["--rate", "40.5/s", "-d", "4s", "--warm-up", "1s", "--json", json] + target.words)
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            #expect(try await nginx.accessLog(atLeast: 162 * target.requests).count == 162 * target.requests)
            let written = try Written(json: json)
            for (path, count) in [
                ("arrivals.planned", 121), ("arrivals.started", 121), ("arrivals.dropped", 0), ("iterations.ok", 121),
                ("hits.count", 121 * target.requests), ("warm_up.arrivals.planned", 41),
                ("warm_up.arrivals.started", 41), ("warm_up.iterations.ok", 41),
                ("warm_up.hits.count", 41 * target.requests),
            ] {
                #expect(try written.number(path) == Double(count), "\(path)")
            }
            // An iteration's response includes its service, however late it began.
            for percentile in ["min", "p50", "max"] {
                let response = try written.number("iteration_ms.response.\(percentile)")
                #expect(try response >= written.number("iteration_ms.service.\(percentile)") * 0.999, "\(percentile)")
            }
            #expect(try written.number("lag_ms.max") >= 0)
            // Each agent has had its stripe: a third, give or take the two that a third of so few may differ by.
            let shares = try written.list("agents")
            #expect(shares.compactMap { $0["id"] as? String }.sorted() == ["node", "python", "swift"])
            let hits = try shares.map { try #require($0["hits"] as? Int) }
            #expect(hits.allSatisfy { (38...56).contains($0 / target.requests) }, "\(hits)")
        }
    }

    @Test func stagesOfARateAndPoissonArrivalsGoOnAllAgents() async throws {
        try await Self.cluster { cluster, nginx, json in
            let options = ["--json", json, nginx.url + "/"]
            // 1 s up to 60/s, 1 s there, 1 s down: 30 + 60 + 30.
            var outcome = try await cluster.loads("run", ["--stages", "1s:60/s,1s:60/s,1s:0"] + options)
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            var written = try Written(json: json)
            for path in ["arrivals.planned", "arrivals.started", "hits.count"] {
                #expect(try written.number(path) == 120, "\(path)")
            }
            outcome = try await cluster.loads("run", ["--rate", "100/s", "-d", "2s", "--poisson"] + options)
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            written = try Written(json: json)
            // 200 with a standard deviation of 14.
            let planned = try written.number("arrivals.planned")
            #expect(abs(planned - 200) < 90)
            #expect(try written.number("arrivals.started") == planned)
            let count = 120 + Int(planned)
            #expect(try await nginx.accessLog(atLeast: count).count == count)
        }
    }

    @Test func usersComeAndGoOnAllAgents() async throws {
        try await Self.cluster { cluster, nginx, json in
            let outcome = try await cluster.loads(
                "run",
                [
                    "--stages", "300ms:9,3s:9,300ms:0", "--pacing", "40ms", "--think", "uniform(5ms,10ms)", "--json",
                    json,
                    nginx.url + "/",
                ])
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            let written = try Written(json: json)
            let hits = Int(try written.number("hits.count"))
            #expect(try await nginx.accessLog(atLeast: hits).count == hits)
            for share in try written.list("agents") {
                #expect(try #require(share["hits"] as? Int) > 0, "\(share)")
                #expect(try #require(share["users"] as? Int) > 0)
            }
            // Nine users for 3.6 s, each at most once in 40 ms and once more.
            #expect(hits > 9 && hits <= 9 * 91)
        }
    }

    @Test func aRateIsAdjustedOnAllAgentsAtOneInstant() async throws {
        try await Self.cluster { cluster, nginx, json in
            let started = try await cluster.loads(
                "run", ["--rate", "10/s", "-d", "12s", "--detach", nginx.url + "/"])
            #expect(started.status == 0, "\(started.errors)")
            let run = try #require(started.output.split(separator: "\n").first.map(String.init))
            while try await nginx.accessLog(atLeast: 3).count < 3 { try await Task.sleep(for: .milliseconds(50)) }
            let adjusted = try await cluster.loads("adjust", [run, "--rate", "100/s"])
            #expect(adjusted.status == 0, "\(adjusted.errors)")
            let outcome = try await cluster.loads("attach", [run, "--json", json])
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            let written = try Written(json: json)
            let planned = try written.number("arrivals.planned")
            // From 120, had nothing changed, to 1,200, had it changed at once.
            #expect(planned > 120 && planned < 1_200)
            for path in ["arrivals.started", "iterations.ok", "hits.count"] {
                #expect(try written.number(path) == planned, "\(path)")
            }
            #expect(try await nginx.accessLog(atLeast: Int(planned)).count == Int(planned))
        }
    }

    @Test(arguments: ["python", "node"]) func whatIsDoneOnceIsDoneOnceOnAllAgents(_ language: String) async throws {
        let directory = try TemporaryDirectory()
        let script =
            language == "python"
            ? """
            import sys
            sys.path.insert(0, "\(Clients.path)/python")
            import loads
            def up(once):
                once.get("/?opened=x").raise_for_status()
                return {"word": "sesame"}
            loads.run(lambda user: user.get("/?entered=" + user.value["word"]), set_up=up,
                      tear_down=lambda once: once.get("/?closed=" + once.value["word"]))
            """
            : """
            import { run } from '\(Clients.path)/node/lib/index.mjs'
            await run((user) => user.get('/?entered=' + user.value.word), {
              setUp: async (once) => {
                (await once.get('/?opened=x')).requireSuccess()
                return { word: 'sesame' }
              },
              tearDown: (once) => once.get('/?closed=' + once.value.word),
            })
            """
        let file = directory.path + (language == "python" ? "/once.py" : "/once.mjs")
        try script.write(toFile: file, atomically: true, encoding: .utf8)
        try await Self.cluster { cluster, nginx, json in
            let outcome = try await cluster.loads(
                "run",
                [
                    "--set-up", "-c", "3", "-n", "4", "--json", json, "--server-url", nginx.url, "--",
                    language == "python" ? try Clients.python() : "node", file,
                ])
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            let log = try await nginx.accessLog(atLeast: 14)
            #expect(log.count == 14 && log[0].contains("?opened=x") && log[13].contains("?closed=sesame"), "\(log)")
            #expect(log.count { $0.contains("?entered=sesame") } == 12)
            #expect(try Written(json: json).number("hits.count") == 12)
        }
    }

    /// The set-up of tests goes through an agent in another language unchanged.
    @Test(arguments: ["python", "node"]) func anAgentInAnotherLanguageDoesASetUp(_ language: String) async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let cluster = try await MixedCluster(in: directory, languages: [language])
        let outcome = try await cluster.loads(
            "run",
            ["SiteTests.Once/enters", "--package", Program.site, "--server-url", nginx.url, "-c", "3", "-n", "4"])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let log = try await nginx.accessLog(atLeast: 14)
        #expect(log.count == 14 && log[0].contains("?opened=") && log[13].contains("?closed="), "\(log)")
        await cluster.stop()
        await nginx.stop()
    }

    // MARK: Programs of one machine

    @Test(arguments: ["python", "node"]) func aProgramIsGivenItsArrivals(_ language: String) async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let outcome = try await Program.run(
            ["--rate", "30/s", "-d", "2s", "--max-users", "20", "--json", json, "--server-url", nginx.url, "--"]
                + (try Self.program(language)))
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(try await nginx.accessLog(atLeast: 120).count == 120)
        await nginx.stop()
        let written = try Written(json: json)
        for path in ["arrivals.planned", "arrivals.started", "iterations.ok"] {
            #expect(try written.number(path) == 60, "\(path)")
        }
        try await written.checkSchema()
    }

    @Test(arguments: ["python", "node"]) func aProgramsUsersAreMeasuredAfterTheWarmUp(_ language: String) async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let outcome = try await Program.run(
            [
                "-c", "3", "-d", "5s", "--warm-up", "2s", "--pacing", "100ms", "--think", "exponential(10ms)",
                "--json",
                json, "--server-url", nginx.url, "--",
            ] + (try Self.program(language)))
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let written = try Written(json: json)
        let (apart, hits) = (try written.number("warm_up.hits.count"), try written.number("hits.count"))
        #expect(apart > 0 && hits > 0)
        #expect(try await nginx.accessLog(atLeast: Int(apart + hits)).count == Int(apart + hits))
        await nginx.stop()
    }

    @Test(arguments: [
        ("echo '{\"knows\":[\"pacing\"]}' >&$LOADS_RESULTS_FD; read -r plan", "that it knows pacing"),
        ("exit 0", "nothing of what it knows"),
    ])
    func aProgramThatDoesNotKnowTheModelIsRefused(_ script: String, _ said: String) async throws {
        let outcome = try await Program.run(["--rate", "5/s", "-d", "1s", "--", "sh", "-c", script])
        #expect(outcome.status == 64, "\(outcome.output)\(outcome.errors)")
        let text = outcome.output + outcome.errors
        for words in ["--rate: sh -c ", said, #"{"knows":["arrivals"]}"#] { #expect(text.contains(words), "\(text)") }
    }
}

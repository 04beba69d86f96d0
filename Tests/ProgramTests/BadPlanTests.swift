import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// Plans that make no sense, or never end, are refused before anything starts: the message names the option, its value and
/// what to do instead, and the target is never asked.
@Suite struct BadPlanTests {
    @Test(arguments: [
        ("--rate -5/s -d 1s", ["--rate -5/s: a rate is not negative (try 500/s, 0.5/s, 90/m)"]),
        ("--rate 99999999/s -d 1s", ["--rate 99999999/s: more than 10,000,000 a second (try 500/s, 0.5/s, 90/m)"]),
        ("--rate 0/s -d 1s", ["--rate 0/s: nothing would ever start (try 500/s, 0.5/s, 90/m)"]),
        ("--rate often -d 1s", ["--rate often: not a rate (try 500/s, 0.5/s, 90/m)"]),
        ("--rate 5/s", ["--rate 5/s: never ends: say for how long (-d 1m)"]),
        (
            "--rate 5/s -d 1s -c 3",
            [
                "--users 3: users and a rate exclude each other: with a rate users are made as needed (--max-users bounds them)"
            ]
        ),
        (
            "--rate 5/s -d 1s -n 3",
            ["--iterations 3: a number of iterations is for each user; --rate ends with its time (-d, or the stages)"]
        ),
        (
            "--rate 5/s --stages 1s:5",
            ["--rate 5/s and --stages 1s:5 exclude each other: give the stages rates (--stages 30s:500/s,2m:500/s)"]
        ),
        ("--rate 5/s -d 1s --ramp-up 2s", ["--ramp-up 2s: longer than the run (1s)"]),
        (
            "--rate 5/s -d 1s --think 1s",
            ["--think 1s: with a rate no user waits between iterations: the rate says when"]
        ),
        ("--rate 5/s -d 1s --max-users 0", ["--max-users 0: must be at least 1"]),
        ("--rate 5/s -d 1s --warm-up 1s", ["--warm-up 1s: as long as the whole run (1s)"]),
        ("--stages 0s:5", ["--stages 0s in all: no stage takes any time (try 30s:50)"]),
        ("--stages 1s:0,1s:0", ["--stages 0: no stage has a user (try 30s:50)"]),
        ("--stages 1s:0/s", ["--stages 0: no arrival ever comes (try 500/s)"]),
        ("--stages 1s", ["--stages 1s: 1s is no stage (try 30s:50, a time and what is reached in it)"]),
        ("--stages 1s:5,:7", ["--stages 1s:5,:7: :7 is no stage (try 30s:50, a time and what is reached in it)"]),
        ("--stages 1s:-5", ["--stages -5: must be at least 0"]),
        ("--stages 1s:5/s,1s:7", ["--stages 1s:5/s,1s:7: 7 is no rate, as others are (try 7/s)"]),
        ("--stages 1s:5 -d 1s", ["--duration 1s: the stages have their own times"]),
        // What would hardly ever end.
        ("--stages 300d:5,300d:5", ["--stages 600d: longer than a year"]),
        ("--stages 1s:5 --repeat 20000", ["--repeat 20000: at most 10000"]),
        ("--stages 1s:5,1s:6 --repeat 9999", ["--repeat 9999: 19998 stages, and a plan has at most 10,000"]),
        ("--rate 10000000/s -d 300d", ["--rate 259200000000000 arrivals: more than 1,000,000,000,000 in a run"]),
        ("-c 5 --repeat 2", ["--repeat 2: is for --stages"]),
        ("-c 5 --poisson", ["--poisson: is for a rate (--rate 500/s)"]),
        // All of them at once.
        (
            "-c -1 -d 5 --think soon --pacing x",
            [
                "--users -1: must be at least 1",
                "--duration 5: not a duration, the unit is missing (try 10s, 2m, 1h30m)",
                "--think soon: not a duration (try 10s, 2m, 1h30m)", "--pacing x: not a duration (try 10s, 2m, 1h30m)",
            ]
        ),
    ])
    func isRefusedAndTheTargetIsNotAsked(_ options: String, _ complaints: [String]) async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let old = try directory.write("old", to: "summary.json")
        let outcome = try await Program.run(
            [server.url + "/", "--json", old] + options.split(separator: " ").map(String.init))
        let requests = server.requests
        await server.stop()
        #expect(outcome.status == 64)
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == complaints.count, "\(outcome.errors)")
        for (line, complaint) in zip(lines, complaints) {
            #expect(line.hasPrefix("loads: ") && line.contains(complaint), "\(complaint) is not \(line)")
        }
        #expect(outcome.output == "" && requests == 0)
        #expect(try String(contentsOfFile: old, encoding: .utf8) == "old")
    }

    @Test func severalFaultsOfAFileAreToldEachAtItsLine() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            target: \(server.url)/
            rate: -5/s
            duration: soon
            max-users: 0

            header:
              - "Accept: text/html"
              - no header
            expect:
              - p95 < 200ms
              - p95 < 200
            poison: true
            """, to: "loads.yml")
        let outcome = try await Program.run(["--config", file])
        let requests = server.requests
        await server.stop()
        #expect(outcome.status == 64 && outcome.output == "" && requests == 0)
        for complaint in [
            "2: rate -5/s: a rate is not negative (try 500/s, 0.5/s, 90/m)",
            "3: duration soon: not a duration (try 10s, 2m, 1h30m)", "4: max-users 0: must be at least 1",
            "8: header no header: not a header (try \"Accept: text/html\")",
            "11: expect: the unit is missing (try 200ms)", "12: poison: no such option; did you mean poisson?",
        ] {
            #expect(outcome.errors.contains("loads: \(file):\(complaint)"), "\(complaint)\n\(outcome.errors)")
        }
        // And nothing of what is right.
        for line in [1, 6, 7, 9, 10] {
            #expect(!outcome.errors.contains("\(file):\(line):"), "\(outcome.errors)")
        }
    }

    /// A scenario's model is judged like a run's, at its own line.
    @Test func aScenariosFaultsAreToldAtTheirLines() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            scenarios:
              - target: A.B
                rate: 99999999/s
                duration: 1s
              - target: A.C
                stages: 0s:5
              - target: A.D
                rate: 5/s
            """, to: "loads.yml")
        let outcome = try await Program.run(["--config", file, "--package", "/nowhere"])
        #expect(outcome.status == 64 && outcome.output == "")
        for complaint in [
            "3: rate 99999999/s: more than 10,000,000 a second", "8: rate 5/s: never ends: say for how long",
        ] {
            #expect(outcome.errors.contains("\(file):\(complaint)"), "\(complaint)\n\(outcome.errors)")
        }
        // What only the whole of a plan shows is told once its parts can be read.
        let stages = try directory.write(
            "scenarios:\n  - target: A.B\n    users: 3\n  - target: A.C\n    stages: 0s:5\n", to: "stages.yml")
        let second = try await Program.run(["--config", stages, "--package", "/nowhere"])
        #expect(second.status == 64)
        #expect(
            second.errors.contains("\(stages):5: stages 0s in all: no stage takes any time (try 30s:50)"),
            "\(second.errors)")
    }
}

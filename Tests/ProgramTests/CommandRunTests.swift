import Foundation
import TestSupport
import Testing

/// `loads … -- COMMAND`: a program that is the runner.
@Suite struct CommandRunTests {
    /// Users as threads, requests over `http.client`, results as lines.
    private static let script = """
        import http.client, json, os, sys, threading, time
        plan = json.loads(sys.stdin.readline())["plan"]
        host = plan["server_url"].split("//")[1]
        lock = threading.Lock()
        results = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w")
        start = time.monotonic()
        def say(**what):
            with lock:
                results.write(json.dumps(what) + "\\n")
        def user(number):
            connection = http.client.HTTPConnection(host)
            for iteration in range(plan["iterations"]):
                began = time.monotonic()
                connection.request("GET", sys.argv[1])
                response = connection.getresponse()
                body = response.read()
                ms = (time.monotonic() - began) * 1000
                say(t=began - start, user=number, iteration=iteration, name="home", method="GET",
                    url=plan["server_url"] + sys.argv[1], status=response.status, ms=ms, bytes=len(body))
                say(iteration={"user": number, "number": iteration, "ms": ms,
                    "outcome": "ok" if response.status < 400 else "failed"})
        users = [threading.Thread(target=user, args=[plan["first_user"] + n]) for n in range(plan["users"])]
        for thread in users: thread.start()
        for thread in users: thread.join()
        """

    private static func file(in directory: TemporaryDirectory, _ text: String = script) throws -> String {
        let path = directory.path + "/checkout.py"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test func theSummaryTheStreamAndTheServersLogAgree() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let (json, stream) = (directory.path + "/summary.json", directory.path + "/hits.ndjson")
        let outcome = try await Program.run([
            "-c", "5", "-n", "40", "--server-url", nginx.url, "--json", json, "--stream", stream, "--", "python3",
            try Self.file(in: directory), "/",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let log = try await nginx.accessLog(atLeast: 200)
        await nginx.stop()
        let written = try Written(json: json, stream: stream)
        #expect(log.count == 200)
        #expect(try written.number("hits.count") == 200)
        #expect(try written.number("iterations.ok") == 200)
        #expect(written.lines.count == 200)
        #expect(Set(written.lines.map { "\($0["user"]!)/\($0["iteration"]!)" }).count == 200)
        #expect(outcome.output.contains("python3 \(directory.path)/checkout.py /: 5 users × 40 iterations"))
    }

    @Test func failuresFailTheRun() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let outcome = try await Program.run([
            "--server-url", nginx.url, "--", "python3", try Self.file(in: directory), "/nowhere",
        ])
        await nginx.stop()
        #expect(outcome.status == 1 && outcome.output.contains("404: 1"), "\(outcome.output)")
    }

    @Test(arguments: [["true"], ["sh", "-c", "echo usage: x; sleep 0.05"], ["sh", "-c", "read plan; echo usage: x"]])
    func aProgramThatMeasuresNothingIsTold(_ command: [String]) async throws {
        for _ in 0..<5 {
            let outcome = try await Program.run(["-c", "2", "--"] + command)
            #expect(outcome.status == 69, "\(outcome.output)\(outcome.errors)")
            #expect(outcome.output.contains("nothing was measured: the program reported no hit and no iteration"))
            #expect(outcome.errors.contains("LOADS_RESULTS_FD"), "\(outcome.errors)")
            if command != ["true"] { #expect(outcome.errors.contains("│ usage: x")) }
        }
    }

    @Test(arguments: ["exit 3", "sleep 0.05; exit 3", "read plan; exit 3"])
    func aProgramThatFailsHasCrashedWheneverItDoes(_ script: String) async throws {
        let outcome = try await Program.run(["--", "sh", "-c", "echo last' 'words; " + script])
        #expect(outcome.status == 71, "\(outcome.output)\(outcome.errors)")
        let all = outcome.output + outcome.errors
        #expect(all.contains("exit code 3"))
        #expect(all.components(separatedBy: "last words").count == 2, "once: \(all)")
    }

    @Test func hitsAloneAreJudgedToo() async throws {
        let directory = try TemporaryDirectory()
        let script = """
            import os
            os.write(int(os.environ["LOADS_RESULTS_FD"]), b'{"name":"n","ms":1,"status":500}')
            """
        let outcome = try await Program.run(["--", "python3", try Self.file(in: directory, script)])
        #expect(outcome.status == 1 && outcome.output.contains("500: 1"), "\(outcome.output)")
        // Nobody knows whether that was the plan.
        #expect(
            outcome.output.contains("incomplete") && outcome.output.contains("0 of 1 iterations"), "\(outcome.output)")
    }

    /// The program of `Docs/RunnerProtocol.md`, as it stands there.
    @Test func theProgramOfTheDocumentationPlaysItsPlan() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let text = try String(contentsOfFile: Program.repository + "/Docs/RunnerProtocol.md", encoding: .utf8)
        let script = try #require(text.components(separatedBy: "```python\n").dropFirst().first)
        let file = try Self.file(in: directory, script.components(separatedBy: "```")[0])
        let outcome = try await Program.run(["-c", "3", "-n", "4", "--server-url", nginx.url, "--", "python3", file])
        #expect(outcome.status == 0 && outcome.output.contains("12: 12 ok"), "\(outcome.output)\(outcome.errors)")
        #expect(try await nginx.accessLog(atLeast: 12).count == 12)
        let timed = try await Program.run(["-c", "2", "-d", "3s", "--server-url", nginx.url, "--", "python3", file])
        await nginx.stop()
        #expect(timed.status == 0 && !timed.output.contains("incomplete"), "\(timed.output)\(timed.errors)")
    }

    @Test func aProgramThatFallsOverIsShownWithItsLastWords() async throws {
        let script = "import sys; sys.stdin.readline(); raise SystemExit('no shop is open')"
        let outcome = try await Program.run(["-c", "2", "--", "python3", "-c", script])
        #expect(outcome.status == 71)
        #expect(outcome.output.contains("the runner crashed: exit code 1"), "\(outcome.output)")
        #expect(outcome.output.contains("no shop is open"))
    }

    @Test func aProgramThatIsNotThereIsNamed() async throws {
        let outcome = try await Program.run(["--", "no-such-program-of-loads"])
        #expect(outcome.status == 69 && outcome.errors.contains("no-such-program-of-loads"), "\(outcome.errors)")
    }
}

import Foundation
import TestSupport
import Testing

/// What is done once for a run, before its users and after them, on a real server.
@Suite(.serialized) struct SetUpRunTests {
    /// The values of a parameter in the log, with the places of their lines.
    private func values(_ name: String, _ log: [String]) -> [(line: Int, value: String)] {
        log.enumerated().compactMap { index, line in
            line.firstRange(of: "?\(name)=").map { (index, String(line[$0.upperBound...].prefix { $0 != " " })) }
        }
    }

    @Test(arguments: ["SiteTests.Once/enters", "SiteTests.OnceXCT/testEnters"])
    func itIsDoneBeforeAllUsersAndUndoneAfterThem(_ test: String) async throws {
        let nginx = try await Nginx()
        let outcome = try await Program.run([
            test, "--package", Program.site, "--server-url", nginx.url, "-c", "3", "-n", "4",
        ])
        let log = try await nginx.accessLog(atLeast: 14)
        await nginx.stop()
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(log.count == 14)
        let (opened, entered, closed) = (values("opened", log), values("entered", log), values("closed", log))
        #expect(opened.map(\.line) == [0] && entered.count == 12 && closed.map(\.line) == [13])
        let word = try #require(closed.first?.value)
        #expect(word.hasPrefix("sesame-") && Set(entered.map(\.value)) == [word])
        #expect(outcome.output.contains("hits        12:"), "\(outcome.output)")
    }

    @Test func aSetUpThatFailsIsAClearErrorBeforeAnyLoad() async throws {
        let nginx = try await Nginx()
        let outcome = try await Program.run([
            "SiteTests.Once/isClosed", "--package", Program.site, "--server-url", nginx.url, "-c", "3", "-n", "4",
        ])
        let log = try await nginx.accessLog(atLeast: 3)
        await nginx.stop()
        #expect(outcome.status == 69)
        #expect(
            outcome.errors.contains("nothing was run: the set-up SiteTests.Closed failed:")
                && outcome.errors.contains("404"), "\(outcome.errors)")
        // What was set up before it is undone.
        #expect(values("entered", log).isEmpty && values("closed", log).count == 1)
    }

    @Test func itIsUndoneWhenTheRunIsInterrupted() async throws {
        let nginx = try await Nginx()
        let run = try Program.start([
            "SiteTests.Once/staysFor", "--package", Program.site, "--server-url", nginx.url, "-c", "2", "--grace", "0s",
        ])
        // The package may have to be built before.
        try await run.wait(for: "requests", timeout: .seconds(600)) { nginx.accessLog().count >= 3 }
        run.signal(SIGINT)
        let outcome = try await run.outcome(timeout: .seconds(120))
        let log = try await nginx.accessLog(atLeast: 4)
        await nginx.stop()
        #expect(outcome.status == 130, "\(outcome.output)\(outcome.errors)")
        #expect(values("closed", log).count == 1 && values("closed", log).first?.line == 3)
    }

    @Test func aTearDownThatFailsFailsTheRunAndSaysWhy() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let outcome = try await Program.run([
            "SiteTests.Once/cannotBeUndone", "--package", Program.site, "--server-url", nginx.url, "--json", json,
        ])
        let log = try await nginx.accessLog(atLeast: 3)
        await nginx.stop()
        #expect(outcome.status == 1)
        #expect(
            outcome.output.contains(
                "the tear-down was not done: the tear-down of SiteTests.Stuck failed: IsStuck()"),
            "\(outcome.output)")
        // The others are undone all the same.
        #expect(values("closed", log).count == 1)
        let written = try Written(json: json)
        #expect((written.value("tear_down_failure") as? String)?.contains("SiteTests.Stuck") == true)
        try await written.checkSchema()
    }

    /// A program is started three times: it is told which time it is, and hands its value on.
    @Test func aProgramHasItsSetUpToo() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let script = """
            import http.client, json, os, sys, time
            line = json.loads(sys.stdin.readline())
            results = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w", buffering=1)
            def get(what):
                connection = http.client.HTTPConnection(os.environ["LOADS_SERVER_URL"].split("//")[1])
                connection.request("GET", "/?" + what)
                return connection.getresponse().status
            if "set_up" in line:
                get("opened=door")
                print(json.dumps({"value": {"word": "tea", "n": [1, 2.5, None, True]}}), file=results)
            elif "tear_down" in line:
                assert line["value"]["n"] == [1, 2.5, None, True]
                get("closed=" + line["value"]["word"])
            else:
                for user in range(line["plan"]["users"]):
                    status = get("entered=" + line["value"]["word"])
                    print(json.dumps({"name": "enter", "ms": 1, "status": status}), file=results)
            """
        let path = directory.path + "/once.py"
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        let outcome = try await Program.run([
            "--set-up", "-c", "3", "--server-url", nginx.url, "--", "python3", path,
        ])
        let log = try await nginx.accessLog(atLeast: 5)
        await nginx.stop()
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(
            values("opened", log).map(\.line) == [0] && values("entered", log).map(\.value) == ["tea", "tea", "tea"])
        #expect(values("closed", log).map(\.value) == ["tea"] && log.count == 5)
    }
}

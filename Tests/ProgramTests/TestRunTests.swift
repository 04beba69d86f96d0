import Foundation
import TestSupport
import Testing

/// Runs of the example package's tests.
@Suite(.serialized) struct TestRunTests {
    @Test(arguments: ["BlogTests.TestWebSite/something", "BlogTests.TestWebSiteXCT.testSomething"])
    func tenUsersTimesTenIterationsAreAHundredRequests(_ test: String) async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let (json, stream) = (directory.path + "/summary.json", directory.path + "/hits.ndjson")
        let outcome = try await Program.run([
            test, "--package", Program.blog, "--server-url", nginx.url, "-c", "10", "-n", "10", "--json", json,
            "--stream", stream,
        ])
        let log = try await nginx.accessLog(atLeast: 100)
        await nginx.stop()
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let written = try Written(json: json, stream: stream)
        #expect(log.count == 100)
        #expect(log.allSatisfy { $0.hasPrefix("GET / 200") })
        #expect(try written.number("hits.requests") == 100)
        #expect(try written.number("iterations.started") == 100)
        #expect(try written.number("iterations.ok") == 100)
        #expect(written.lines.count == 100)
        #expect(written.value("run.target") as? String == test)
    }

    @Test func failingTestsAreExitCode1WithTheirPlaces() async throws {
        // nginx has no /login: the test fails.
        let nginx = try await Nginx()
        let outcome = try await Program.run([
            "BlogTests.TestWebSite/signIn", "--package", Program.blog, "--server-url", nginx.url, "-c", "2", "-n", "3",
        ])
        await nginx.stop()
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("6: 0 ok, 6 failed"), "\(outcome.output)")
        #expect(outcome.output.contains("failures"))
        #expect(outcome.output.contains("sign in"))
        #expect(outcome.output.contains("404: 6"))
    }

    @Test func aServerThatIsNotThereFailsTheIterations() async throws {
        let outcome = try await Program.run([
            "BlogTests.TestWebSite/something", "--package", Program.blog, "--server-url",
            "http://127.0.0.1:\(try Ports.free())", "-n", "2",
        ])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("2 × connect"), "\(outcome.output)")
    }

    /// One that takes connections, and answers nobody.
    @Test(arguments: ["1s", "0s"]) func aServerThatHangsFailsTheRunUnlessItIsGivenNoGrace(_ grace: String) async throws
    {
        let port = try Ports.free()
        let code =
            "import socket, time; s = socket.create_server(('127.0.0.1', \(port))); print('up', flush=True); time.sleep(600)"
        let server = try ChildProcess(["python3", "-c", code])
        try await server.wait(for: "port") { server.output.contains("up") }
        let directory = try TemporaryDirectory()
        let (json, junit) = (directory.path + "/summary.json", directory.path + "/junit.xml")
        let outcome = try await Program.run([
            "BlogTests.TestWebSite/something", "--package", Program.blog, "--server-url", "http://127.0.0.1:\(port)",
            "-c", "4", "-d", "1s", "--grace", grace, "--json", json, "--junit", junit,
        ])
        server.kill()
        #expect(outcome.status == (grace == "0s" ? 0 : 1), "\(outcome.output)\(outcome.errors)")
        let written = try Written(json: json)
        #expect(try written.number("iterations.cut_off") == 4)
        #expect(written.value("verdict.kind") as? String == "incomplete")
        let cases = try String(contentsOfFile: junit, encoding: .utf8)
        #expect(cases.contains("4 had not ended when the grace was over") == (grace != "0s"), "\(cases)")
    }

    @Test func anUnknownTestIs69WithTheNearestNames() async throws {
        let outcome = try await Program.run(["BlogTests.TestWebSite/somethin", "--package", Program.blog])
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains("no such test: BlogTests.TestWebSite/somethin"), "\(outcome.errors)")
        #expect(outcome.errors.contains("BlogTests.TestWebSite/something"))
    }

    @Test func listShowsWhatCanBeRun() async throws {
        let outcome = try await Program.run(["list", "--package", Program.blog])
        #expect(outcome.status == 0)
        #expect(
            outcome.output.split(separator: "\n").map(String.init) == [
                "BlogTests.TestWebSite/signIn", "BlogTests.TestWebSite/something",
                "BlogTests.TestWebSiteXCT/testSignIn", "BlogTests.TestWebSiteXCT/testSomething",
            ])
    }

    @Test func debugRequestsShowsAFirstIteration() async throws {
        let nginx = try await Nginx()
        let outcome = try await Program.run([
            "BlogTests.TestWebSite/something", "--package", Program.blog, "--server-url", nginx.url, "-c", "2", "-n",
            "3",
            "--debug-requests",
        ])
        await nginx.stop()
        #expect(outcome.errors.components(separatedBy: "> GET \(nginx.url)/").count == 2, "\(outcome.errors)")
        #expect(outcome.errors.contains("Tarek"))
    }

    @Test func theDemoNeedsNothingAndSaysWhatComesNext() async throws {
        let outcome = try await Program.run(["demo"])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("BlogTests.TestWebSite/something: 10 users for 3s"))
        #expect(outcome.output.contains("0 failed"))
        #expect(outcome.output.contains("Next:"))
    }
}

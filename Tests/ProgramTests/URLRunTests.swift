import Foundation
import Glibc
import LoadsTestServer
import TestSupport
import Testing

@Suite struct URLRunTests {
    @Test func theSummaryTheStreamAndTheServersLogAgree() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let (json, stream) = (directory.path + "/summary.json", directory.path + "/hits.ndjson")
        let outcome = try await Program.run([
            nginx.url + "/", "-c", "10", "-n", "100", "--json", json, "--stream", stream,
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let log = try await nginx.accessLog(atLeast: 1000)
        await nginx.stop()
        let written = try Written(json: json, stream: stream)
        #expect(log.count == 1000)
        #expect(try written.number("hits.requests") == 1000)
        #expect(try written.number("hits.count") == 1000)
        #expect(try written.number("iterations.ok") == 1000)
        #expect(written.lines.count == 1000)
        #expect(outcome.output.contains("1,000: 1,000 ok, 0 failed"))

        let pairs = Set(written.lines.map { "\($0["user"]!)/\($0["iteration"]!)" })
        #expect(pairs.count == 1000, "each user's iterations are counted from 0")
        try written.comparePercentiles()
        try await written.checkSchema()
    }

    @Test func theStreamOnStandardOutputHasItToItself() async throws {
        let nginx = try await Nginx()
        let outcome = try await Program.run([nginx.url + "/", "-c", "2", "-n", "5", "--stream", "-"])
        await nginx.stop()
        #expect(outcome.status == 0)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 10)
        #expect(lines.allSatisfy { $0.hasPrefix("{\"t\":") && $0.hasSuffix("\"error\":null}") })
        #expect(outcome.errors.contains("iterations  10: 10 ok"))
    }

    @Test func aServerThatIsNotThereEndsTheRunAndFailsIt() async throws {
        let port = try Ports.free()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let outcome = try await Program.run(["http://127.0.0.1:\(port)/", "-c", "2", "-n", "3", "--json", json])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("6 × connect"), "\(outcome.output)")
        let written = try Written(json: json)
        #expect(try written.number("hits.failed") == 6)
        #expect((written.value("errors") as? [[String: Any]])?.first?["kind"] as? String == "connect")
        try await written.checkSchema()
    }

    @Test func aStatusOf404FailsTheRun() async throws {
        let nginx = try await Nginx()
        let outcome = try await Program.run([nginx.url + "/nowhere", "--name", "missing"])
        await nginx.stop()
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("404: 1"))
        #expect(outcome.output.contains("missing"))
    }

    @Test func sendsMethodHeadersAndBody() async throws {
        let nginx = try await Nginx()
        let outcome = try await Program.run([
            nginx.url + "/", "--body", "text", "--header", "X-A: b", "--debug-requests",
        ])
        let log = try await nginx.accessLog(atLeast: 1)
        await nginx.stop()
        #expect(log.first?.hasPrefix("POST / 405") == true)
        for part in ["> POST \(nginx.url)/", "> X-A: b", "> text", "< HTTP/1.1 405"] {
            #expect(outcome.errors.contains(part), "\(part) is not in\n\(outcome.errors)")
        }
    }

    @Test func aServerWithAnAuthorityOfItsOwnIsTrustedWhenAskedFor() async throws {
        let nginx = try await Nginx()
        let plain = try await Program.run([nginx.tlsURL + "/", "-n", "2"])
        #expect(plain.status == 1)
        #expect(plain.output.contains("2 × tls") && plain.output.contains("`--ca FILE`"), "\(plain.output)")
        let authority = nginx.authority
        let stranger = try await Program.run([nginx.tlsURL + "/", "--ca", authority.strangerFile])
        #expect(stranger.status == 1 && stranger.output.contains("1 × tls"), "\(stranger.output)")
        for options in [["--ca", authority.caFile], ["--insecure"]] {
            // New connections, so that the authorities are read again and again.
            let outcome = try await Program.run(
                [nginx.tlsURL + "/", nginx.tlsURL + "/gzip.txt", "-c", "3", "-n", "5", "--new-connections"] + options)
            #expect(outcome.status == 0, "\(options): \(outcome.output)\(outcome.errors)")
            #expect(outcome.output.contains("15: 15 ok"), "\(outcome.output)")
        }
        await nginx.stop()
    }

    @Test func aFileOfAuthoritiesThatIsNoneIsWrongUsage() async throws {
        let nginx = try await Nginx()
        let key = nginx.authority.serverKey
        let outcome = try await Program.run([nginx.url + "/", "--ca", key])
        await nginx.stop()
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("--ca \(key): holds no certificate"), "\(outcome.errors)")
        #expect(nginx.accessLog().isEmpty)
    }

    @Test func aURLsPasswordIsSentAndStandsInNoFile() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let url = "http://tarek:secret@127.0.0.1:\(nginx.port)/basic/"
        let names = ["json", "stream", "csv", "csv-series", "junit", "hdr-log", "markdown", "html"]
        let outcome = try await Program.run(
            [url, url + "?again", "-n", "3"] + names.flatMap { ["--\($0)", "\(directory.path)/\($0)"] })
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        for name in names {
            let text = try String(contentsOfFile: "\(directory.path)/\(name)", encoding: .utf8)
            #expect(!text.isEmpty && !text.contains("secret"), "\(name): \(text)")
        }
        #expect(!(outcome.output + outcome.errors).contains("secret"))
        let target = try Written(json: directory.path + "/json").value("run.target") as? String
        #expect(target?.contains("tarek:***@") == true, "\(target ?? "")")

        // The only URL of a mix has its name from the runner.
        let file = try directory.write("scenarios:\n  - target: \(url)\n    weight: 2\n", to: "loads.yml")
        let mixed = try await Program.run(["--config", file, "-n", "3"])
        #expect(mixed.status == 0 && mixed.output.contains("3: 3 ok"), "\(mixed.output)\(mixed.errors)")
        #expect(!(mixed.output + mixed.errors).contains("secret"))
        await nginx.stop()
    }

    @Test func ctrlCEndsGracefullyAndReports() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let process = try Program.start([nginx.url + "/", "-d", "60s", "--think", "10ms", "--json", json])
        try await process.wait(for: "start") { process.errors.contains("running") }
        try await process.wait(for: "hits") { nginx.accessLog().count > 3 }
        process.signal(SIGINT)
        let outcome = try await process.outcome()
        #expect(outcome.status == 130)
        #expect(outcome.errors.contains("stopping"))
        #expect(outcome.output.contains("interrupted"))
        let written = try Written(json: json)
        // A request is logged after its answer.
        let log = try await nginx.accessLog(atLeast: Int(written.number("hits.requests")))
        await nginx.stop()
        #expect(written.value("run.interrupted") as? Bool == true)
        #expect(try written.number("hits.requests") == Double(log.count))
        #expect(try written.number("iterations.interrupted") == 0)
        try await written.checkSchema()
    }

    @Test func aSecondCtrlCDoesNotWaitForTheIterations() async throws {
        let server = try TestServer()
        let process = try Program.start([server.url + "/never", "-c", "3", "-d", "60s", "--grace", "60s"])
        try await process.wait(for: "requests") { server.requests == 3 }
        process.signal(SIGINT)
        try await process.wait(for: "the stop") { process.errors.contains("stopping") }
        process.signal(SIGINT)
        // The grace would be a minute.
        let outcome = try await process.outcome(timeout: .seconds(50))
        await server.stop()
        #expect(outcome.status == 130)
        #expect(outcome.output.contains("3: 0 ok, 0 failed, 3 interrupted"), "\(outcome.output)")
    }

    @Test(arguments: [
        ("never", "timeout"), ("endless", "timeout"), ("close-mid-body", "reset"), ("garbage", "protocol"),
        ("reset", "reset"),
    ])
    func whatServersDoWrongIsAnErrorOfItsKind(_ path: String, _ kind: String) async throws {
        let server = try TestServer()
        // Where it answers at all, a machine that does other things is not to be taken for it.
        let limit = kind == "timeout" ? "500ms" : "60s"
        let outcome = try await Program.run([server.url + "/" + path, "-n", "2", "--timeout", limit])
        await server.stop()
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("2 × \(kind)"), "\(outcome.output)")
    }

    @Test func aCrashOfTheRunnerLeavesWhatWasMeasured() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let process = try Program.start([nginx.url + "/", "-d", "60s", "--think", "1ms", "--json", json])
        // Several batches have been reported by then.
        try await process.wait(for: "hits") { nginx.accessLog().count > 300 }
        // Not a fault that is only sent: the Swift runtime shows a backtrace and goes on from where it was.
        kill(try #require(Self.children(of: process.identifier).first), SIGKILL)
        let outcome = try await process.outcome()
        #expect(outcome.status == 71)
        #expect(outcome.output.contains("the runner crashed: signal 9 (SIGKILL)"), "\(outcome.output)")
        let written = try Written(json: json)
        let reported = try written.number("hits.count")
        #expect(reported > 0)
        // The counters that outlive the process name the hole: at most the request on its way is unaccounted for.
        let hole = try written.number("crash.unreported.hits")
        let served = try await nginx.accessLog(atLeast: Int(reported + hole)).count
        await nginx.stop()
        #expect((0...1).contains(served - Int(reported + hole)), "\(served) served, \(reported) and \(hole)")
        try await written.checkSchema()
    }

    static func children(of process: Int32) -> [Int32] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        return tasks.flatMap { task in
            let text = (try? String(contentsOfFile: "/proc/\(process)/task/\(task)/children", encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { Int32($0) }
        }
    }
}

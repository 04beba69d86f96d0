import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// The report of a run as a page, held against the run's other files.
@Suite struct HTMLReportTests {
    private struct Page {
        let text: String

        init(_ path: String) throws { text = try String(contentsOfFile: path, encoding: .utf8) }

        /// One of the figures at the top, without its unit: `1,234/s` is 1234.
        func figure(_ name: String) throws -> Double {
            let begin = try #require(text.firstRange(of: "id=\"figure-\(name)\">"), "\(name)").upperBound
            let figure = text[begin...].prefix { $0 != "<" }.filter { $0 != "," }
            return try #require(Double(figure.prefix { $0.isNumber || $0 == "." }), "\(figure)")
        }

        /// The rows of tables that begin with a name.
        func rows(_ name: String) -> [Substring] {
            text.split(separator: "\n").filter { $0.contains("<bdi>\(name)</bdi></th>") }
        }
    }

    @Test func aBreachedRunHasItsVerdictItsThresholdsAndTheFiguresOfItsSummary() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let (json, html) = (directory.path + "/summary.json", directory.path + "/report.html")
        let outcome = try await Program.run([
            server.url + "/delay/20", "-c", "4", "-n", "60", "--json", json, "--html", html, "--expect",
            "p50 < 10ms", "--expect", "hits == 240", "--name", "</svg><script>alert(1)</script>",
        ])
        await server.stop()
        #expect(outcome.status == 3, "\(outcome.errors)")
        let (page, written) = (try Page(html), try Written(json: json))

        let kind = try #require(written.value("verdict.kind") as? String)
        #expect(page.text.contains("Verdict: <strong>\(kind)</strong>"))
        #expect(page.text.contains("id=\"outcome\">✗ a threshold was breached<"))
        #expect(page.text.contains("4 users × 60 iterations"))
        let broken = try #require(page.rows("p50 &lt; 10ms").first)
        #expect(broken.contains("✗ breached") && broken.contains("&lt; 10 ms"))
        #expect(page.rows("hits == 240").first?.contains("✓ kept") == true)

        #expect(try page.figure("hits") == written.number("hits.count"))
        #expect(try page.figure("iterations") == written.number("iterations.started"))
        #expect(try page.figure("failed") == written.number("hits.failed"))
        for (name, path) in [("rate", "hits.rate_per_s"), ("latency", "latency_ms.p95")] {
            let exact = try written.number(path)
            #expect(abs(try page.figure(name) - exact) <= exact * 0.01, "\(name)")
        }
        // The name is one of the target's hits, and no markup.
        #expect(page.rows("&lt;/svg&gt;&lt;script&gt;alert(1)&lt;/script&gt;").first?.contains(">240<") == true)
        #expect(!page.text.contains("<script"))
        // Everything is drawn: no hit was lost on the way to the charts.
        for chart in ["chart-hits", "chart-times", "chart-users", "chart-latency"] {
            #expect(page.text.contains("id=\"\(chart)-title\""), "\(chart)")
        }
        #expect(!page.text.contains("in no chart over time"))
        try await ChildProcess.succeed(["xmllint", "--noout", "--nonet", html])
    }

    @Test func anOpenRunShowsItsArrivalsAndBothTimes() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let (json, html) = (directory.path + "/summary.json", directory.path + "/report.html")
        let outcome = try await Program.run([
            server.url + "/delay/5", "--rate", "50/s", "-d", "3s", "--warm-up", "1s", "--json", json, "--html", html,
        ])
        await server.stop()
        #expect(outcome.status == 0, "\(outcome.errors)")
        let (page, written) = (try Page(html), try Written(json: json))
        #expect(try page.figure("arrivals") == written.number("arrivals.planned"))
        #expect(page.text.contains("Iterations: response and service time"))
        #expect(page.text.contains("id=\"chart-due-title\"") && page.text.contains("id=\"chart-iteration-title\""))
        #expect(page.text.contains("Warm-up of 1s, in no other table"))
        #expect(!page.text.contains("in no chart over time"))
        try await ChildProcess.succeed(["xmllint", "--noout", "--nonet", html])
    }
}

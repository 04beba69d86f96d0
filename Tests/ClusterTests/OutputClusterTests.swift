import Foundation
import TestSupport
import Testing

/// What a run on agents writes and sends, to who started it and to who attaches to it.
@Suite(.serialized) struct OutputClusterTests {
    /// Everything that one of the two was told to write, and the folder that it is in.
    private struct Files {
        let folder: String

        static let names = [
            "json": "summary.json", "csv": "summary.csv", "csv-series": "series.csv", "hdr-log": "run.hlog",
            "junit": "junit.xml", "markdown": "comment.md",
        ]

        init(_ name: String, in directory: TemporaryDirectory) throws {
            folder = directory.path + "/" + name
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }

        var options: [String] { Self.names.flatMap { ["--\($0)", folder + "/" + $1] } }

        func path(_ option: String) -> String { folder + "/" + Self.names[option]! }
        func text(_ option: String) throws -> String { try String(contentsOfFile: path(option), encoding: .utf8) }

        /// The lines of a CSV file as dictionaries by its first line.
        func rows(_ option: String) throws -> [[String: String]] {
            let lines = try text(option).split(separator: "\n").map {
                $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            }
            return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
        }
    }

    /// Fetches the metrics again and again, from before they are there until they are gone. The first pause is long: the last
    /// visit is waited for by the longest pause so far, and must come in time on a machine that does other things.
    private func scraper(_ port: Int, to file: String) throws -> ChildProcess {
        let url = "http://127.0.0.1:\(port)/metrics"
        return try ChildProcess([
            "/bin/sh", "-c",
            """
            until curl -sf \(url) > \(file); do sleep 0.05; done
            sleep 5
            while curl -sf \(url) > \(file).new; do mv \(file).new \(file); sleep 0.2; done
            """,
        ])
    }

    /// Takes OpenTelemetry's and statsd's hits, and prints how many there are by now.
    private func receiver(_ port: Int) async throws -> ChildProcess {
        let script = """
            import json, socket, sys, threading
            from http.server import BaseHTTPRequestHandler, HTTPServer
            class Receiver(BaseHTTPRequestHandler):
                def do_POST(self):
                    body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                    metrics = {m["name"]: m for m in body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
                    points = metrics["loads.hits"]["sum"]["dataPoints"]
                    print("otlp", sum(int(p["asInt"]) for p in points), flush=True)
                    self.send_response(200)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")
                def log_message(self, *_): pass
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            datagrams.bind(("127.0.0.1", int(sys.argv[1])))
            def count():
                total = 0
                while True:
                    for line in datagrams.recv(65536).decode().split("\\n"):
                        if line.startswith("loads.hits.") and ".count:" in line:
                            total += int(line.split(":")[1].split("|")[0])
                            print("statsd", total, flush=True)
            threading.Thread(target=count, daemon=True).start()
            HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
            """
        let receiver = try ChildProcess(["python3", "-c", script, "\(port)"])
        try await receiver.wait(for: "answer") { Ports.answers(port) }
        return receiver
    }

    @Test func everyOutputOfARunOnAgentsTellsTheSameAndSoDoesOneThatIsAttached() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agents = [try await cluster.startAgent("a1"), try await cluster.startAgent("a2")]
        // Users that do not think make many times as many hits a second: that is a certain difference.
        let before = cluster.directory.path + "/before.json"
        let first = try await cluster.loads(["run", nginx.url + "/", "-c", "4", "-d", "2s", "--json", before])
        #expect(first.status == 0, "\(first.output)\(first.errors)")

        let (port, scraped) = (try Ports.free(), cluster.directory.path + "/metrics")
        let consumers = try Ports.free()
        let (scraper, receiver) = (try scraper(port, to: scraped), try await receiver(consumers))
        let (own, attached) = (
            try Files("own", in: cluster.directory), try Files("attached", in: cluster.directory)
        )
        let baseline = ["--baseline", before, "--tolerance", "50%"]
        let run = try await cluster.startLoads(
            [
                "run", nginx.url + "/", "-c", "4", "-d", "8s", "--think", "50ms", "--name", "page", "--expect",
                "hits > 10", "--prometheus", "\(port)", "--otlp", "http://127.0.0.1:\(consumers)", "--statsd",
                "127.0.0.1:\(consumers)",
            ] + baseline + own.options)
        var id: String?
        try await cluster.wait(for: "running") { status in
            let found = (status["runs"] as? [[String: Any]])?.first { $0["state"] as? String == "running" }
            id = found?["id"] as? String
            return id != nil
        }
        let name = try #require(id)
        let watcher = try await cluster.startLoads(["attach", name] + baseline + attached.options)
        let (outcome, watched) = (try await run.outcome(), try await watcher.outcome())
        // Worse than before, for both.
        #expect(outcome.status == 3, "\(outcome.output)\(outcome.errors)")
        #expect(watched.status == 3, "\(watched.output)\(watched.errors)")
        for words in [outcome, watched] {
            #expect(words.output.contains("worse by more than 50 %, with 95 % confidence: "), "\(words.output)")
        }

        let hits = try #require(try RunSummary(own.path("json")).number("hits.count"))
        #expect(hits > 100)
        #expect(try RunSummary(own.path("json")).agents.allSatisfy { ($0["hits"] as? Int ?? 0) > 0 })
        try await check(own, hits: hits, missing: 0)
        try await checkReports(own, name, nginx.url)
        // What was before it came is told, and the rest is there.
        let earlier = watched.errors.firstMatch(of: #/without (\d+) hits from before/#).flatMap { Int($0.1) } ?? 0
        try await check(attached, hits: hits, missing: earlier)
        try await checkReports(attached, name, nginx.url)

        _ = try await scraper.outcome(timeout: .seconds(120))
        let lines = try String(contentsOfFile: scraped, encoding: .utf8).split(separator: "\n")
        #expect(lines.contains("loads_hits_total{name=\"page\"} \(hits)"), "\(lines)")
        #expect(!outcome.errors.contains("lost"), "\(outcome.errors)")
        try await receiver.wait(for: "all hits at \(hits)") {
            receiver.output.contains("otlp \(hits)\n") && receiver.output.contains("statsd \(hits)\n")
        }

        // A run that is over is told as it was.
        let after = try Files("after", in: cluster.directory)
        let late = try await cluster.loads(["attach", name] + after.options)
        #expect(late.status == 0, "\(late.output)\(late.errors)")
        try await check(after, hits: hits, missing: 0)
        #expect(try RunSummary(after.path("json")).number("hits.count") == hits)
        #expect(try after.text("csv") == own.text("csv"))
        for agent in agents { await agent.stop() }
        await receiver.stop()
        await master.stop()
        await nginx.stop()
    }

    /// All files say that there were so many hits, those second by second without what came before they began.
    private func check(_ files: Files, hits: Int, missing: Int) async throws {
        let summary = try RunSummary(files.path("json"))
        #expect(summary.number("hits.count") == hits)
        let table = try files.rows("csv")
        #expect(table.first { $0["kind"] == "all" }?["count"] == "\(hits)")
        #expect(table.first { $0["kind"] == "hits" }?["name"] == "page")
        let series = try files.rows("csv-series").filter { $0["kind"] == "hits" }
        #expect(series.reduce(0) { $0 + (Int($1["count"] ?? "") ?? 0) } == hits - missing)
        // In many of its seconds, whichever those are in which this machine did something else.
        #expect(Set(series.compactMap { $0["second"] }).count >= 3)

        guard let python = ProcessInfo.processInfo.environment["LOADS_TEST_OUTPUTS_PYTHON"] else { return }
        let script = """
            import sys
            from hdrh.histogram import HdrHistogram
            from hdrh.log import HistogramLogReader
            total = HdrHistogram(1, 3600000000000, 3)
            reader = HistogramLogReader(sys.argv[1], total)
            while reader.add_next_interval_histogram(): pass
            print(total.get_total_count())
            """
        let count = try await ChildProcess.succeed([python, "-c", script, files.path("hdr-log")])
        #expect(Int(count.trimmingCharacters(in: .whitespacesAndNewlines)) == hits - missing)
    }

    /// The reports of a run that is worse than before.
    private func checkReports(_ files: Files, _ run: String, _ target: String) async throws {
        try await ChildProcess.succeed([
            "xmllint", "--noout", "--schema", Cluster.repository + "/Tests/LoadsReportTests/Outputs/junit.xsd",
            files.path("junit"),
        ])
        let junit = try files.text("junit")
        #expect(junit.contains("<testsuites name=\"loads\" tests=\"3\" failures=\"1\" errors=\"0\""), "\(junit)")
        #expect(junit.contains("name=\"run\" value=\"\(run)\"") && junit.contains("hits &gt; 10"), "\(junit)")
        #expect(junit.contains("no worse than the baseline"))
        #expect(try files.text("markdown").hasPrefix("### ❌ Loads: `\(target)/`"))
    }
}

import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// What a run writes and sends, read by the tools for which it is made.
@Suite struct OutputTests {
    /// The Python that `bin/test` makes for the libraries that read outputs.
    static let python = ProcessInfo.processInfo.environment["LOADS_TEST_OUTPUTS_PYTHON"]
    static let schema = Program.repository + "/Tests/LoadsReportTests/Outputs/junit.xsd"

    /// Holds a JUnit report against the schema.
    static func checkJUnit(_ path: String) async throws {
        try await ChildProcess.succeed(["xmllint", "--noout", "--schema", schema, path])
    }

    private static func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// The lines of a CSV file as dictionaries by the first line.
    private static func rows(_ path: String) throws -> [[String: String]] {
        let lines = try read(path).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
    }

    @Test(.enabled(if: OutputTests.python != nil, "no Python with hdrhistogram: bin/test makes one"))
    func everyFileOfARunTellsTheSame() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let path = { (name: String) in directory.path + "/" + name }
        // Some seconds long, and a number of hits of which every percentile asked for is a whole rank: libraries differ in
        // how they round it.
        let outcome = try await Program.run([
            server.url + "/delay/5", "-c", "4", "-n", "500", "--json", path("summary.json"), "--csv",
            path("summary.csv"), "--csv-series", path("series.csv"), "--junit", path("junit.xml"), "--hdr-log",
            path("run.hlog"), "--markdown", path("comment.md"),
        ])
        await server.stop()
        #expect(outcome.status == 0, "\(outcome.errors)")
        let written = try Written(json: path("summary.json"))
        try await written.checkSchema()
        let hits = Int(try written.number("hits.count"))
        #expect(hits == 2000)

        let summary = try Self.rows(path("summary.csv"))
        #expect(summary.first { $0["kind"] == "all" }?["count"] == "\(hits)")
        #expect(summary.first { $0["kind"] == "hits" }?["name"] == "GET /delay/5")
        let series = try Self.rows(path("series.csv"))
        #expect(series.filter { $0["kind"] == "hits" }.reduce(0) { $0 + Int($1["count"]!)! } == hits)
        // Of 4 users with 5 ms each no second has more than 804.
        #expect(Set(series.compactMap { $0["second"] }).count >= 3)

        try await Self.checkJUnit(path("junit.xml"))
        #expect(try Self.read(path("comment.md")).hasPrefix("### ✅ Loads: `\(server.url)/delay/5`"))

        let script = """
            import sys, json
            from hdrh.histogram import HdrHistogram
            from hdrh.log import HistogramLogReader
            total = HdrHistogram(1, 3600000000000, 3)
            reader = HistogramLogReader(sys.argv[1], total)
            while reader.add_next_interval_histogram(): pass
            whole = HdrHistogram.decode(json.load(open(sys.argv[2]))["latency_ms"]["histogram"])
            for h in (total, whole):
                print(h.get_total_count(), *(h.get_value_at_percentile(p) for p in (50, 75, 90, 95, 99, 99.9)))
            """
        let read = try await ChildProcess.succeed([Self.python!, "-c", script, path("run.hlog"), path("summary.json")])
        let lines = read.split(separator: "\n").map { $0.split(separator: " ").map { Double($0)! } }
        #expect(lines[0][0] == Double(hits))
        #expect(lines[0] == lines[1], "the log's seconds add up to the summary's histogram")
        for (index, key) in ["p50", "p75", "p90", "p95", "p99", "p99_9"].enumerated() {
            let ours = try written.number("latency_ms.\(key)") * 1e6
            // The highest rank is the exact maximum with us, the end of its bucket with them.
            #expect(abs(lines[0][index + 1] - ours) <= ours * 0.001, "\(key)")
        }
    }

    /// What is counted is counted without the warm-up; so is the time that rates are over.
    @Test func aRateIsTheSameWhereverItIsToldAfterAWarmUp() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let path = { (name: String) in directory.path + "/" + name }
        // 120 arrivals, of which 60 are due in the warm-up.
        let load = ["--rate", "40/s", "-d", "3s", "--warm-up", "1500ms"]
        let outcome = try await Program.run(
            [
                server.url + "/delay/5", "--json", path("summary.json"), "--csv", path("summary.csv"), "--markdown",
                path("comment.md"), "--expect", "rate > 0/s",
            ] + load)
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let written = try Written(json: path("summary.json"))
        let rate = try written.number("hits.rate_per_s")
        #expect(try written.number("hits.count") == 60)
        #expect(try abs(rate - 60 / (written.number("run.duration_s") - 1.5)) < 0.001)
        #expect(try abs(#require(written.list("thresholds")[0]["actual"] as? Double) - rate) < 0.01)
        // The rate of the arrivals is that of the plan: none of those that are over the run's time.
        let rows = try Self.rows(path("summary.csv"))
        #expect(rows.contains { $0["kind"] == "arrivals" && $0["count"] == "60" && $0["rate_per_s"]?.isEmpty == true })
        #expect(outcome.output.contains("60 planned, 40.0/s; 60 started, 0 dropped"), "\(outcome.output)")
        for row in rows where row["kind"] != "arrivals" {
            #expect(try abs(#require(Double(row["rate_per_s"] ?? "")) - rate) < 0.001, "\(row)")
        }
        let shown = try #require(outcome.output.firstMatch(of: /hits +60: 0 failed \(0 %\), ([0-9.]+)\/s/)).1
        #expect(try Self.read(path("comment.md")).contains("60 hits (\(shown)/s)"))
        #expect(try Self.read(path("comment.md")).contains("| `GET /delay/5` | 60 | 0 | \(shown) |"))

        let compared = try await Program.run([
            "compare", path("summary.json"), path("summary.json"), "--json", path("compared.json"),
        ])
        #expect(compared.status == 0, "\(compared.errors)")
        let figures = try Written(json: path("compared.json")).list("figures")
        let figure = try #require(figures.first { $0["figure"] as? String == "rate_per_s" })
        #expect(try abs(#require((figure["before"] as? [String: Any])?["estimate"] as? Double) - rate) < 0.001)

        let sized = try await Program.run(
            ["size", server.url + "/delay/5", "--to", "40/s", "--expect", "p95 < 60s", "--json", path("size.json")]
                + load)
        await server.stop()
        let step = try #require(try Written(json: path("size.json")).list("steps").first, "\(sized.errors)")
        let seconds = try #require(step["duration_s"] as? Double) - 1.5
        #expect(try abs(#require(step["rate_per_s"] as? Double) * seconds - 60) < 0.01, "\(sized.output)")
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/prometheus"), "no prometheus"))
    func prometheusScrapesTheRun() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let (port, web) = (try Ports.free(), try Ports.free())
        // The last visit is waited for by the longest pause between two: half as long again, and a second.
        try """
        global: {scrape_interval: 3s, scrape_timeout: 3s}
        scrape_configs: [{job_name: loads, static_configs: [{targets: ['127.0.0.1:\(port)']}]}]
        """.write(toFile: directory.path + "/prometheus.yml", atomically: true, encoding: .utf8)
        let prometheus = try ChildProcess([
            "/usr/bin/prometheus", "--config.file=\(directory.path)/prometheus.yml",
            "--storage.tsdb.path=\(directory.path)/data", "--web.listen-address=127.0.0.1:\(web)",
        ])
        try await prometheus.wait(for: "answer") { Ports.answers(web) }
        func query(_ expression: String) async throws -> Double? {
            let answer = try await ChildProcess.succeed([
                "curl", "-sS", "-G", "http://127.0.0.1:\(web)/api/v1/query", "--data-urlencode", "query=\(expression)",
            ])
            let json = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any]
            let result = (json?["data"] as? [String: Any])?["result"] as? [[String: Any]]
            return ((result?.first?["value"] as? [Any])?.last as? String).flatMap(Double.init)
        }
        // It takes its time until it scrapes at all.
        try await prometheus.wait(for: "first scrape", timeout: .seconds(60)) { (try? await query("up")) ?? nil != nil }
        let json = directory.path + "/summary.json"
        let outcome = try await Program.run([
            server.url + "/delay/2", "-c", "3", "-d", "8s", "--prometheus", "\(port)", "--json", json,
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("metrics for Prometheus: http://127.0.0.1:\(port)/metrics"))
        #expect(!outcome.errors.contains("--prometheus 127.0.0.1:\(port):"), "the last figures were fetched")
        let hits = try Written(json: json).number("hits.count")
        // It has fetched them, and may still be storing them.
        try await prometheus.wait(for: "last figures", timeout: .seconds(60)) {
            (try? await query("max(max_over_time(loads_latency_seconds_bucket{le=\"+Inf\"}[5m]))")) ?? nil == hits
        }
        #expect(try await query("sum(max_over_time(loads_hits_total{name=\"GET /delay/2\"}[5m]))") == hits)
        #expect(try await query("sum(max_over_time(loads_latency_seconds_count[5m]))") == hits)
        #expect(
            try await query("max(max_over_time(loads_latency_seconds_bucket{le=\"+Inf\"}[5m]))") == hits)
        await prometheus.stop()
        await server.stop()
    }

    @Test(.enabled(if: OutputTests.python != nil, "no Python with opentelemetry-proto: bin/test makes one"))
    func anOpenTelemetryReceiverTakesTheRun() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let port = try Ports.free()
        // Parses what comes with OpenTelemetry's own definition, and keeps the last.
        let script = """
            import sys, json
            from http.server import BaseHTTPRequestHandler, HTTPServer
            from google.protobuf import json_format
            from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
            class Receiver(BaseHTTPRequestHandler):
                def do_POST(self):
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                    request = json_format.Parse(body, ExportMetricsServiceRequest())
                    metrics = {m.name: m for m in request.resource_metrics[0].scope_metrics[0].metrics}
                    hits = sum(p.as_int for p in metrics["loads.hits"].sum.data_points)
                    count = sum(p.count for p in metrics["loads.latency"].histogram.data_points)
                    print(self.path, self.headers["Content-Type"], self.headers["X-Token"], hits, count, flush=True)
                    answer = b"{}"
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                def log_message(self, *_): pass
            HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
            """
        let receiver = try ChildProcess([Self.python!, "-c", script, "\(port)"])
        try await receiver.wait(for: "answer") { Ports.answers(port) }
        let json = directory.path + "/summary.json"
        let outcome = try await Program.run([
            server.url + "/", "-c", "2", "-n", "50", "--otlp", "http://127.0.0.1:\(port)", "--otlp-header",
            "X-Token: abc", "--json", json,
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(!outcome.errors.contains("lost"), "\(outcome.errors)")
        #expect(
            receiver.output.split(separator: "\n").last == "/v1/metrics application/json abc 100 100",
            "\(receiver.output)\(receiver.errors)")
        await receiver.stop()
        await server.stop()
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/sbin/collectd"), "no collectd"))
    func collectdsStatsdServerCountsTheRun() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let port = try Ports.free()
        try """
        Hostname "test"
        BaseDir "\(directory.path)"
        PIDFile "\(directory.path)/collectd.pid"
        Interval 1
        LoadPlugin statsd
        LoadPlugin csv
        <Plugin statsd>
          Host "127.0.0.1"
          Port "\(port)"
        </Plugin>
        <Plugin csv>
          DataDir "\(directory.path)/csv"
        </Plugin>

        """.write(toFile: directory.path + "/collectd.conf", atomically: true, encoding: .utf8)
        let collectd = try ChildProcess(["/usr/sbin/collectd", "-f", "-C", directory.path + "/collectd.conf"])
        // UDP does not tell whether anybody listens: the kernel's table does.
        let digits = String(port, radix: 16, uppercase: true)
        let place = ":" + String(repeating: "0", count: 4 - digits.count) + digits + " "
        try await collectd.wait(for: "socket") {
            let sockets = (try? Self.read("/proc/net/udp")) ?? ""
            return sockets.contains(place)
        }
        let outcome = try await Program.run([
            server.url + "/", "-c", "2", "-n", "50", "--statsd", "127.0.0.1:\(port)",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(!outcome.errors.contains("lost"), "\(outcome.errors)")
        let folder = directory.path + "/csv/test/statsd"
        try await collectd.wait(for: "count of 100", timeout: .seconds(60)) {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            guard let file = files.first(where: { $0.hasPrefix("derive-loads.hits.GET.count") }) else { return false }
            let last = ((try? Self.read(folder + "/" + file)) ?? "").split(separator: "\n").last ?? ""
            return last.hasSuffix(",100")
        }
        await collectd.stop()
        await server.stop()
    }

    @Test func whoeverIsNotThereHoldsUpNobody() async throws {
        let server = try TestServer()
        let (collector, statsd) = (try Ports.free(), try Ports.free())
        let outcome = try await Program.run([
            server.url + "/", "-c", "2", "-n", "50", "--otlp", "http://127.0.0.1:\(collector)", "--statsd",
            "127.0.0.1:\(statsd)", "--prometheus", "0",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(server.requests == 100)
        #expect(outcome.errors.contains("--otlp http://127.0.0.1:\(collector): "))
        #expect(outcome.errors.contains(" data points were lost: "), "\(outcome.errors)")
        #expect(outcome.errors.contains("--statsd 127.0.0.1:\(statsd): "))
        #expect(outcome.errors.contains(": nobody has asked"))
        await server.stop()
    }

    @Test func aBaselineFailsASlowerRunAndNotTheSame() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let (before, after) = (directory.path + "/before.json", directory.path + "/after.json")
        func run(_ path: String, _ arguments: [String]) async throws -> ChildProcess.Outcome {
            try await Program.run(
                [
                    server.url + path, "--name", "page", "-c", "4", "-n", "25",
                ] + arguments)
        }
        // Delays of which a machine that does other things does not easily make twice as much.
        #expect(try await run("/delay/100", ["--json", before]).status == 0)
        let same = try await run("/delay/100", ["--baseline", before, "--tolerance", "100%"])
        #expect(same.status == 0, "\(same.output)")
        #expect(same.output.contains("no figure is certainly worse by more than 100 %"))
        let slower = try await run("/delay/500", ["--baseline", before, "--tolerance", "100%", "--json", after])
        #expect(slower.status == 3, "\(slower.output)")
        #expect(slower.output.contains("worse by more than 100 %, with 95 % confidence: "))

        let compared = try await Program.run(["compare", before, after])
        #expect(compared.status == 0)
        #expect(compared.output.contains("slower"), "\(compared.output)")
        #expect(compared.output.contains("warning: the targets differ"))
        #expect(try await Program.run(["compare", before, after, "--tolerance", "50%"]).status == 3)
        let unchanged = try await Program.run(["compare", before, before])
        #expect(unchanged.status == 0)
        #expect(
            unchanged.output.contains("no difference can be claimed (95 % confidence, all figures together)"),
            "\(unchanged.output)")
        let itself = try await Program.run(["compare", before, before, "--tolerance", "0%"])
        #expect(itself.status == 0)
        #expect(itself.output.contains("no figure is certainly worse"))
        await server.stop()
    }

    @Test(arguments: [
        (["--baseline", "/no/such/file"], "--baseline /no/such/file: cannot be read"),
        (["--tolerance", "10%"], "--tolerance 10%: is for --baseline FILE"),
        (["--statsd", "a b"], "--statsd a b: not an address (try 127.0.0.1:8125)"),
        (["--otlp", "localhost"], "--otlp localhost: not a URL"),
        (["--csv", "f", "--junit", "f"], "--csv and --junit both write to f"),
        (["--markdown", "/no/such/folder/f"], "--markdown /no/such/folder/f: cannot be written"),
        (["--prometheus", "192.0.2.1:80"], "--prometheus 192.0.2.1:80: no address of this machine"),
    ])
    func mistakesAreFoundBeforeTheRun(_ arguments: [String], _ complaint: String) async throws {
        let outcome = try await Program.run(["http://127.0.0.1:1/"] + arguments)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains(complaint), "\(outcome.errors)")
    }
}

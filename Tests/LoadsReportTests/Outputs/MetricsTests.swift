import Foundation
import LoadsCore
import Testing

@testable import LoadsReport

@Suite struct MetricsTests {
    private static func metrics() -> RunMetrics {
        var metrics = RunMetrics(id: "r1", target: "say \"hi\" \\ there\n")
        var statistics = Sample.fullSummary().statistics
        statistics.users = 4
        metrics.take(MeasuredInterval(statistics: statistics, from: 0, to: 1, startedAt: 1_700_000_000))
        return metrics
    }

    private var text: [String] {
        String(decoding: Self.metrics().prometheus(), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func prometheusGetsCountersWithTheirLabelsEscaped() {
        for line in [
            "# TYPE loads_hits_total counter", "loads_hits_total{name=\"GET /\"} 100",
            "loads_hits_failed_total{name=\"sign in\"} 2", "loads_responses_total{name=\"sign in\",status=\"500\"} 1",
            "loads_errors_total{kind=\"connect\"} 1", "loads_iterations_total{result=\"ok\"} 102", "loads_users 4",
            "loads_run_info{run=\"r1\",target=\"say \\\"hi\\\" \\\\ there\\n\"} 1",
            "loads_checks_total{check=\"has token\",result=\"failed\"} 1",
            "loads_metric_last{metric=\"queue\",unit=\"jobs\"} 4.0",
        ] {
            #expect(text.contains(line), "\(line)")
        }
    }

    @Test func prometheusGetsBucketsThatAddUp() {
        // 100 hits of 1 to 100 ms.
        for (bound, count) in [("0.0005", 0), ("0.001", 1), ("0.005", 5), ("0.05", 50), ("0.1", 100), ("60.0", 100)] {
            #expect(text.contains("loads_latency_seconds_bucket{name=\"GET /\",le=\"\(bound)\"} \(count)"), "\(bound)")
        }
        #expect(text.contains("loads_latency_seconds_bucket{name=\"GET /\",le=\"+Inf\"} 100"))
        #expect(text.contains("loads_latency_seconds_count{name=\"GET /\"} 100"))
        #expect(text.contains("loads_latency_seconds_sum{name=\"GET /\"} 5.05"))
    }

    @Test func everyMetricIsDescribedOnceBeforeItsSamples() {
        var described: Set<String> = []
        for line in text {
            if line.hasPrefix("# TYPE ") {
                #expect(described.insert(String(line.split(separator: " ")[2])).inserted, "\(line)")
            } else if !line.hasPrefix("#") {
                let name = String(line.prefix { $0 != "{" && $0 != " " })
                let known = ["_bucket", "_sum", "_count"].map {
                    name.hasSuffix($0) ? String(name.dropLast($0.count)) : name
                }
                #expect(known.contains { described.contains($0) }, "\(line)")
            }
        }
    }

    @Test func intervalsAddUpAndTheHealthIsTheLatest() {
        var metrics = RunMetrics(id: "r", target: "t")
        for _ in 0..<2 {
            var statistics = Sample.statistics([Sample.hit(milliseconds: 1)])
            statistics.health.droppedHits = 3
            metrics.take(MeasuredInterval(statistics: statistics, from: 0, to: 1, startedAt: 1))
        }
        #expect(metrics.statistics.hitCount == 2)
        #expect(metrics.statistics.health.droppedHits == 3)
    }

    /// OpenTelemetry's own definition of OTLP takes the body.
    @Test(.enabled(if: OutputsPython.path != nil, "no Python with opentelemetry-proto: bin/test makes one"))
    func openTelemetrysDefinitionTakesTheBody() throws {
        let (body, points) = Self.metrics().otlp(at: 1_700_000_003.5, version: "1.2.3")
        let path = NSTemporaryDirectory() + "loads-\(UUID().uuidString).json"
        try Data(body).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let script = """
            import sys, json
            from google.protobuf import json_format
            from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
            request = json_format.Parse(open(sys.argv[1]).read(), ExportMetricsServiceRequest())
            resource = request.resource_metrics[0]
            metrics = {m.name: m for m in resource.scope_metrics[0].metrics}
            points = sum(len(getattr(m, m.WhichOneof("data")).data_points) for m in metrics.values())
            hits = metrics["loads.hits"].sum
            latency = metrics["loads.latency"].histogram
            one = next(p for p in latency.data_points if p.attributes[0].value.string_value == "GET /")
            print(json.dumps({
                "points": points, "service": {a.key: a.value.string_value for a in resource.resource.attributes},
                "hits": sum(p.as_int for p in hits.data_points), "monotonic": hits.is_monotonic,
                "temporality": hits.aggregation_temporality, "count": one.count, "buckets": list(one.bucket_counts),
                "bounds": list(one.explicit_bounds), "sum": one.sum, "unit": metrics["loads.latency"].unit,
                "start": one.start_time_unix_nano, "time": one.time_unix_nano}))
            """
        let answer = try OutputsPython.run(script, [path])
        let json = try #require(try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any])
        #expect(json["points"] as? Int == points)
        #expect(json["hits"] as? Int == 102)
        #expect(json["monotonic"] as? Bool == true)
        #expect(json["temporality"] as? Int == 2)
        #expect(json["count"] as? Int == 100)
        #expect(abs((json["sum"] as? Double ?? 0) - 5.05) < 1e-9)
        #expect(json["unit"] as? String == "s")
        #expect(json["start"] as? Int == 1_700_000_000_000_000_000)
        #expect(json["time"] as? Int == 1_700_000_003_500_000_000)
        let buckets = try #require(json["buckets"] as? [Int])
        let bounds = try #require(json["bounds"] as? [Double])
        #expect(buckets.count == bounds.count + 1 && buckets.reduce(0, +) == 100)
        #expect((json["service"] as? [String: String])?["service.name"] == "loads")
        #expect((json["service"] as? [String: String])?["service.version"] == "1.2.3")
    }

    @Test func statsdGetsWordsForNames() {
        var statistics = Sample.statistics([Sample.hit("GET /a?b=c", milliseconds: 2)])
        statistics.users = 7
        statistics.metrics["debt"] = MetricStatistics(kind: .gauge)
        statistics.metrics["debt"]?.record(-2.5, at: 0)
        let lines = StatsdLines.lines(statistics, prefix: "loads")
        #expect(lines.contains("loads.hits.GET_a_b_c.count:1|c"))
        #expect(lines.contains("loads.hits.GET_a_b_c.latency_ms.p95:2.000|g"))
        #expect(!lines.contains { $0.contains("failed") }, "what did not happen is not sent")
        #expect(lines.suffix(3) == ["loads.metrics.debt:0|g", "loads.metrics.debt:-2.500000|g", "loads.users:7|g"])
    }

    @Test func datagramsAreNotCutOnTheirWay() {
        let lines = (0..<200).map { "loads.hits.name\($0).count:\($0)|c" } + [String(repeating: "x", count: 3000)]
        let datagrams = StatsdLines.datagrams(lines)
        #expect(datagrams.flatMap { $0.text.split(separator: "\n").map(String.init) } == lines)
        #expect(datagrams.reduce(0) { $0 + $1.lines } == 201)
        #expect(datagrams.dropLast().allSatisfy { $0.text.utf8.count <= 1432 })
    }
}

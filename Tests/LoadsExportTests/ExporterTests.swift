import LoadsCore
import LoadsEventLoop
import LoadsReport
import LoadsSession
import LoadsTestServer
import TestSupport
import Testing

@testable import LoadsExport

@Suite struct ExporterTests {
    private static func statistics(hits: Int) -> Statistics {
        var statistics = Statistics()
        var name = NameStatistics()
        for _ in 0..<hits {
            name.count += 1
            name.latency.record(2_000_000)
        }
        statistics.names["GET /"] = name
        return statistics
    }

    private static func interval(_ second: Int, hits: Int) -> MeasuredInterval {
        MeasuredInterval(
            statistics: statistics(hits: hits), from: Double(second), to: Double(second + 1), startedAt: 1)
    }

    private static func summary(hits: Int) -> Summary {
        Summary(
            id: "r", target: "t", startedAt: 1, duration: 2, interrupted: false, plan: Plan(cycles: []),
            statistics: statistics(hits: hits), isURLTarget: true)
    }

    private static func endpoint(_ loop: EventLoop) throws -> PrometheusEndpoint {
        PrometheusEndpoint(
            socket: try ListeningSocket(HostPort(host: "127.0.0.1", port: 0)),
            metrics: RunMetrics(id: "r", target: "t"), on: loop)
    }

    @Test func theMetricsAreThereWhileItRuns() async throws {
        let loop = EventLoop()
        let endpoint = try Self.endpoint(loop)
        let session = Session(baseURL: "http://\(endpoint.address)")
        endpoint.measured(Self.interval(0, hits: 3))
        let response = try await session.get("/metrics")
        #expect(response.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(response.text.contains("\nloads_hits_total{name=\"GET /\"} 3\n"))
        endpoint.measured(Self.interval(1, hits: 2))
        #expect(try await session.get("/metrics").text.contains("\nloads_hits_total{name=\"GET /\"} 5\n"))
        #expect(try await session.get("/").status == .ok)
        #expect(try await session.get("/other").status == .notFound)
        endpoint.close()
        await loop.shutdown()
    }

    /// For who has come once it waits fifteen seconds. Who has come twice in a moment has little more than one, which a busy
    /// machine may take.
    @Test func theLastFiguresAreThoseOfTheSummaryAndAreWaitedFor() async throws {
        let loop = EventLoop()
        let endpoint = try Self.endpoint(loop)
        let session = Session(baseURL: "http://\(endpoint.address)")
        endpoint.measured(Self.interval(0, hits: 3))
        #expect(try await session.get("/metrics").text.contains("\nloads_hits_total{name=\"GET /\"} 3\n"))
        let finished = Task(executorPreference: loop) { await endpoint.finish(Self.summary(hits: 6)) }
        // What comes behind it on the loop comes when it waits: a visit before would be none for the last figures.
        for _ in 0..<10 { await Task(executorPreference: loop) {}.value }
        #expect(try await session.get("/metrics").text.contains("\nloads_hits_total{name=\"GET /\"} 6\n"))
        let outcome = await finished.value
        #expect(outcome.lost == 0 && outcome.delivered == 2)
        await loop.shutdown()
    }

    @Test func nobodyIsWaitedForWhoNeverCame() async throws {
        let loop = EventLoop()
        let outcome = try await Self.endpoint(loop).finish(Self.summary(hits: 1))
        #expect(outcome == ExportOutcome(delivered: 0, lost: 1, reason: "nobody has asked"))
        await loop.shutdown()
    }

    @Test func whoDoesNotWantToWaitNeedNot() async throws {
        let loop = EventLoop()
        let endpoint = try Self.endpoint(loop)
        _ = try await Session().get("http://\(endpoint.address)/metrics")
        endpoint.close()
        #expect(await endpoint.finish(Self.summary(hits: 1)).reason == "nobody has come for the last figures")
        await loop.shutdown()
    }

    @Test func theNextVisitMayTakeHalfAsLongAgain() {
        let start = Instant.now
        func at(_ seconds: Int) -> Instant { start.advanced(by: .seconds(seconds)) }
        #expect(PrometheusEndpoint.patience(for: []) == .zero)
        #expect(PrometheusEndpoint.patience(for: [start]) == .seconds(15))
        #expect(PrometheusEndpoint.patience(for: [start, at(1), at(2)]) == .seconds(5))
        #expect(PrometheusEndpoint.patience(for: [start, at(2), at(12)]) == .seconds(16))
        #expect(PrometheusEndpoint.patience(for: [start, at(100)]) == .seconds(65))
    }

    @Test func aPortInUseIsNamed() async throws {
        let first = try ListeningSocket(HostPort(host: "127.0.0.1", port: 0))
        let error = #expect(throws: ExportError.self) { try ListeningSocket(first.address) }
        #expect(error?.message.contains("listens there already") == true)
    }

    @Test(arguments: [
        ("http://h:4318", "http://h:4318/v1/metrics"), ("http://h:4318/", "http://h:4318/v1/metrics"),
        ("https://h/otlp/v1/metrics", "https://h/otlp/v1/metrics"),
    ])
    func aCollectorsPathNeedNotBeNamed(_ url: String, _ endpoint: String) {
        #expect(OTLPExporter.endpoint(url) == endpoint)
    }

    @Test func aCollectorThatTakesItHasEveryPoint() async throws {
        let server = try TestServer()
        let exporter = OTLPExporter(
            url: server.url + "/status/200", metrics: RunMetrics(id: "r", target: "t"), version: "1")
        exporter.measured(Self.interval(0, hits: 1))
        let outcome = await exporter.finish(Self.summary(hits: 1))
        #expect(outcome.lost == 0 && outcome.delivered > 10)
        await server.stop()
    }

    @Test func aCollectorThatRefusesOrIsNotThereLosesPointsAndHoldsUpNobody() async throws {
        let server = try TestServer()
        for url in [server.url + "/status/400", "http://127.0.0.1:\(try Ports.free())"] {
            let exporter = OTLPExporter(url: url, metrics: RunMetrics(id: "r", target: "t"), version: "1")
            exporter.measured(Self.interval(0, hits: 1))
            let outcome = await exporter.finish(Self.summary(hits: 1))
            #expect(outcome.delivered == 0 && outcome.lost > 10, "\(url)")
            #expect(outcome.reason?.isEmpty == false)
        }
        await server.stop()
    }

    @Test func aStatsdServerThatIsNotThereLosesLines() async throws {
        // The kernel says that nobody listens a moment later, and a busy one may say it too late: then once more.
        var outcome = ExportOutcome(delivered: 1, lost: 0, reason: nil)
        for _ in 0..<10 where outcome.delivered > 0 {
            let exporter = StatsdExporter(address: HostPort(host: "127.0.0.1", port: try Ports.free()))
            for second in 0..<3 { exporter.measured(Self.interval(second, hits: 1)) }
            outcome = await exporter.finish(Self.summary(hits: 3))
        }
        #expect(outcome.delivered == 0 && outcome.lost >= 3 * 6, "\(outcome)")
        #expect(outcome.reason == "Connection refused")
    }

    @Test func anUnknownStatsdHostLosesLines() async throws {
        let exporter = StatsdExporter(address: HostPort(host: "no.such.host.invalid", port: 8125))
        exporter.measured(Self.interval(0, hits: 1))
        let outcome = await exporter.finish(Self.summary(hits: 1))
        #expect(outcome.delivered == 0 && outcome.lost > 0)
        #expect(outcome.reason?.hasPrefix("no.such.host.invalid: ") == true)
    }
}

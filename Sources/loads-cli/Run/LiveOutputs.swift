import LoadsCore
import LoadsEventLoop
import LoadsExport
import LoadsReport
import LoadsWire
import Synchronization

/// All that takes a run's figures while it goes on: files second by second, and monitoring systems.
final class LiveOutputs: Sendable {
    private struct Writer: Sendable {
        var file: OutputFile
        var form: SeriesWriter.Form
        var option: String
        var writer: SeriesWriter
    }

    /// What the master knows of each second from one on, as much as comes at once; nothing when there is no more.
    typealias Seconds = @Sendable (_ from: Int) async throws -> [MeasuredSecond]

    private struct Export: Sendable {
        var option: String
        var exporter: any Exporter
    }

    private let console: Console
    private let writers: [Writer]
    private let exports: [Export]
    private let loop: EventLoop?
    /// The run over its time, if a report wants it.
    private let keptCourse: Mutex<RunCourse>?

    init(_ outputs: Outputs, run: String, target: String, console: Console) {
        self.console = console
        var writers: [Writer] = []
        for (file, form) in [(.csvSeries, .csv), (.hdrLog, .histogramLog)]
            as [(CheckedOutputs.File, SeriesWriter.Form)]
        {
            guard let output = outputs[file] else { continue }
            let writer = SeriesWriter(form) { bytes in output.write(bytes) }
            writers.append(Writer(file: output, form: form, option: "\(file.option) \(output.path)", writer: writer))
        }
        self.writers = writers
        keptCourse = outputs[.html] == nil ? nil : Mutex(RunCourse())
        let metrics = RunMetrics(id: run, target: target)
        var exports: [Export] = []
        if let socket = outputs.socket {
            let loop = EventLoop(name: "loads-metrics")
            let endpoint = PrometheusEndpoint(socket: socket, metrics: metrics, on: loop)
            exports.append(Export(option: "--prometheus \(endpoint.address)", exporter: endpoint))
            console.progress("metrics for Prometheus: http://\(endpoint.address)/metrics")
            self.loop = loop
        } else {
            loop = nil
        }
        if let url = outputs.asked.otlp {
            let exporter = OTLPExporter(
                url: url, headers: outputs.asked.otlpHeaders.map { ($0.name, $0.value) }, metrics: metrics,
                version: VersionCommand.version
            ) { reason in
                console.note("--otlp \(url): \(reason): the run goes on, its figures are missing there")
            }
            exports.append(Export(option: "--otlp \(url)", exporter: exporter))
        }
        if let address = outputs.asked.statsd {
            exports.append(Export(option: "--statsd \(address)", exporter: StatsdExporter(address: address)))
        }
        self.exports = exports
    }

    func measured(_ interval: MeasuredInterval) {
        for writer in writers { writer.writer.take(interval) }
        for export in exports { export.exporter.measured(interval) }
        keptCourse?.withLock { $0.take(interval) }
    }

    /// The run over its time, so far.
    var course: RunCourse { keptCourse?.withLock(\.self) ?? RunCourse() }

    /// Writes and sends what is left, and says what is missing where.
    ///
    /// - Parameter seconds: Where the seconds are to be had of which something did not come here.
    /// - Returns: Whether a file is incomplete.
    func finish(_ summary: Summary, seconds: Seconds? = nil) async -> Bool {
        var failed = false
        for writer in writers {
            var outcome = writer.writer.finish(summary)
            if !outcome.isWhole, outcome.failure == nil, let seconds {
                do {
                    outcome = try await rewrite(writer, summary, seconds) ?? outcome
                } catch {
                    console.note("\(writer.option): what is missing cannot be had from the master: \(error)")
                }
            }
            writer.file.finish()
            if let failure = outcome.failure {
                failed = true
                console.note("\(writer.option): \(failure): \(outcome.lostSeconds) seconds are missing")
            } else if outcome.missingHits > 0 {
                failed = true
                console.note(
                    "\(writer.option): \(outcome.missingHits) of \(summary.statistics.hitCount) hits are missing: "
                        + "they were lost on the way here")
            }
            if outcome.earlierHits > 0 {
                console.note("\(writer.option): without \(outcome.earlierHits) hits from before this was attached")
            }
        }
        for export in exports {
            let outcome = await export.exporter.finish(summary)
            guard outcome.lost > 0 else { continue }
            let reason = outcome.reason.map { ": \($0)" } ?? ""
            if export.exporter is PrometheusEndpoint {
                console.note("\(export.option)\(reason) (asked \(outcome.delivered) times)")
            } else {
                console.note(
                    "\(export.option): \(outcome.lost) of \(outcome.lost + outcome.delivered) data points were "
                        + "lost\(reason)")
            }
        }
        await loop?.shutdown()
        return failed
    }

    /// Writes a file anew from what the master knows: somebody who came late, or lost something on the way, has it all the
    /// same.
    ///
    /// - Returns: What became of it; nil when it stays as it is.
    private func rewrite(_ writer: Writer, _ summary: Summary, _ seconds: Seconds) async throws -> SeriesWriter.Outcome?
    {
        guard let file = writer.file.successor() else { return nil }
        let series = SeriesWriter(writer.form) { file.write($0) }
        do {
            var next = 0
            while let last = try await seconds(next).map({ second in
                series.take(
                    MeasuredInterval(
                        statistics: second.statistics, from: Double(second.second), to: Double(second.second + 1),
                        startedAt: summary.startedAt))
                return second.second
            }).last {
                next = last + 1
            }
        } catch {
            file.discard()
            throw error
        }
        let outcome = series.finish(summary)
        guard outcome.isWhole, file.replace(writer.file) == nil else {
            file.discard()
            return nil
        }
        file.finish()
        return outcome
    }

    /// The run never began, or nobody wants to wait for those who listen.
    func close() { for export in exports { export.exporter.close() } }
}

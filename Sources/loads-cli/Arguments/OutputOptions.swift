import ArgumentParser

/// The files that a run writes and the systems that it tells, beside `--json` and `--stream`.
struct OutputOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Write the summary as comma-separated values.", valueName: "file"))
    var csv: String?
    @Option(help: ArgumentHelp("Write every second of the run as comma-separated values.", valueName: "file"))
    var csvSeries: String?
    @Option(help: ArgumentHelp("Write a JUnit report.", valueName: "file"))
    var junit: String?
    @Option(help: ArgumentHelp("Write the histograms of every second as an HdrHistogram log.", valueName: "file"))
    var hdrLog: String?
    @Option(help: ArgumentHelp("Write the summary as Markdown, for a pull request.", valueName: "file"))
    var markdown: String?
    @Option(help: ArgumentHelp("Write a report with charts as a page of HTML, in one file.", valueName: "file"))
    var html: String?
    @Option(
        help: ArgumentHelp(
            "Serve /metrics for Prometheus while it runs: 9464 or 0.0.0.0:9464.", valueName: "address"))
    var prometheus: String?
    @Option(
        help: ArgumentHelp(
            "Send metrics to an OpenTelemetry collector: http://127.0.0.1:4318.", valueName: "url"))
    var otlp: String?
    @Option(
        help: ArgumentHelp("To the collector: \"Name: value\"; may stand several times.", valueName: "header"))
    var otlpHeader: [String] = []
    @Option(help: ArgumentHelp("Send metrics to a statsd server over UDP: 127.0.0.1:8125.", valueName: "address"))
    var statsd: String?
    @Option(
        help: ArgumentHelp(
            "Compare with the summary of an earlier run; a regression fails the run (exit code 3).",
            valueName: "file"))
    var baseline: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How much worse than the baseline it may be (default 0%): 10%.", valueName: "share"))
    var tolerance: String?

    func add(to settings: inout Settings) {
        for (name, value) in [
            ("csv", csv), ("csv-series", csvSeries), ("junit", junit), ("hdr-log", hdrLog), ("markdown", markdown),
            ("html", html),
            ("prometheus", prometheus), ("otlp", otlp), ("statsd", statsd), ("baseline", baseline),
            ("tolerance", tolerance),
        ] {
            settings.add(name, value, label: "--\(name)")
        }
        for value in otlpHeader { settings.add("otlp-header", value, label: "--otlp-header") }
    }
}

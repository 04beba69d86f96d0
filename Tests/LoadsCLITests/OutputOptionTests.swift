import ArgumentParser
import LoadsExport
import Testing

@testable import loads_cli

@Suite struct OutputOptionTests {
    private func parse(_ arguments: [String]) throws -> CheckedOutputs {
        let command = try #require(try Loads.parseAsRoot(["http://h/"] + arguments) as? RunCommand)
        return try command.options.request().outputs
    }

    private func problems(_ arguments: [String]) -> [String] {
        do {
            _ = try parse(arguments)
            return []
        } catch {
            return (error as? UsageError)?.problems ?? ["\(error)"]
        }
    }

    @Test func takesThemAll() throws {
        let outputs = try parse([
            "--json", "a", "--stream", "b", "--csv", "c", "--csv-series", "d", "--junit", "e", "--hdr-log", "f",
            "--markdown", "-", "--html", "h", "--prometheus", "9464", "--otlp", "https://h:4318/x", "--otlp-header",
            "A: b c",
            "--otlp-header", "D:", "--statsd", "h", "--baseline", "g", "--tolerance", "12.5%",
        ])
        #expect(
            outputs.files == [
                .json: "a", .stream: "b", .csv: "c", .csvSeries: "d", .junit: "e", .hdrLog: "f", .markdown: "-",
                .html: "h",
            ])
        #expect(outputs.useStandardOutput)
        #expect(outputs.prometheus == HostPort(host: "127.0.0.1", port: 9464))
        #expect(outputs.otlp == "https://h:4318/x")
        #expect(outputs.otlpHeaders == [.init(name: "A", value: "b c"), .init(name: "D", value: "")])
        #expect(outputs.statsd == HostPort(host: "h", port: 8125))
        #expect(outputs.baseline == "g")
        #expect(outputs.tolerance == 0.125)
    }

    @Test func standInAFileToo() throws {
        let file = try ConfigurationFile(
            text: """
                target: http://h/
                csv-series: s.csv
                prometheus: 0.0.0.0:9464
                otlp: http://h:4318
                otlp-header: ["A: b", "C: d"]
                baseline: main.json
                tolerance: 10%
                """, path: "loads.yml")
        #expect(file.problems.isEmpty)
        let outputs = try CheckedRun(file.settings).outputs
        #expect(outputs.files == [.csvSeries: "s.csv"])
        #expect(outputs.prometheus == HostPort(host: "0.0.0.0", port: 9464))
        #expect(outputs.otlpHeaders.count == 2)
        #expect(outputs.tolerance == 0.1)
    }

    @Test(arguments: [
        (["--csv", ""], "--csv: the path is empty"),
        (["--junit", "x", "--markdown", "x"], "--junit and --markdown both write to x: give them files of their own"),
        (["--prometheus", "nowhere:x"], "--prometheus nowhere:x: not an address (try 127.0.0.1:9464)"),
        (["--otlp", "h:4318"], "--otlp h:4318: not a URL (try http://127.0.0.1:8080/)"),
        (["--otlp-header", "A: b"], "--otlp-header A: b: is for --otlp"),
        (
            ["--otlp", "http://h", "--otlp-header", "A b"],
            "--otlp-header A b: not a header (try \"Authorization: Bearer abc\")"
        ),
        (["--tolerance", "10%"], "--tolerance 10%: is for --baseline FILE"),
        (["--baseline", "b", "--tolerance", "-5%"], "--tolerance -5%: not a share (try 10%, or 0.1)"),
        (["--baseline", "b", "--tolerance", "much"], "--tolerance much: not a share (try 10%, or 0.1)"),
        (
            ["--master", "tcp://127.0.0.1:7780", "--detach", "--csv", "x"],
            "--csv x: nobody stays to write it with --detach (`loads attach` can)"
        ),
    ])
    func saysWhatIsWrong(_ arguments: [String], _ problem: String) { #expect(problems(arguments) == [problem]) }
}

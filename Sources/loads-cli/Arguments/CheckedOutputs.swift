import LoadsExport

/// Where a run leaves what it measures, beside the terminal: judged, nothing opened.
struct CheckedOutputs: Sendable, Equatable {
    /// The files, by the names of their options.
    enum File: String, Sendable, CaseIterable {
        case json, stream, csv
        case csvSeries = "csv-series"
        case junit
        case hdrLog = "hdr-log"
        case markdown, html

        var option: String { "--\(rawValue)" }
    }

    /// `Name: value`.
    struct Header: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// The path of each file that is wanted; `-` is standard output.
    var files: [File: String] = [:]
    var prometheus: HostPort?
    var otlp: String?
    var otlpHeaders: [Header] = []
    var statsd: HostPort?
    /// The summary of an earlier run.
    var baseline: String?
    /// How much worse than it the run may be, as a share.
    var tolerance = 0.0

    /// The names of all options that need somebody who stays to the end.
    static let names = File.allCases.map(\.rawValue) + ["prometheus", "otlp", "statsd", "baseline"]

    /// None.
    init() {}

    init(_ settings: Settings, _ read: inout Readings) {
        for file in File.allCases {
            guard let given = settings.value(file.rawValue) else { continue }
            // A stream may go to a socket instead.
            if file == .stream, given.text.hasPrefix("tcp:") { continue }
            if given.text.isEmpty { read.complain("\(given.label): the path is empty") }
            files[file] = given.text
        }
        for (index, file) in File.allCases.enumerated() {
            for other in File.allCases.dropFirst(index + 1) {
                guard let path = files[file], path == files[other] else { continue }
                read.complain(
                    "\(file.option) and \(other.option) both write to \(path): give them files of their own")
            }
        }
        prometheus = Self.address(settings.value("prometheus"), defaultPort: 9464, &read)
        statsd = Self.address(settings.value("statsd"), defaultPort: 8125, &read)
        if let given = settings.value("otlp") {
            if let problem = WebAddress.problem(with: given.text) {
                read.complain("\(given.label) \(given.text): \(problem)")
            }
            otlp = given.text
        }
        for given in settings.list("otlp-header") {
            guard let header = Self.header(given.text) else {
                read.complain("\(given.label) \(given.text): not a header (try \"Authorization: Bearer abc\")")
                continue
            }
            if settings.value("otlp") == nil { read.complain("\(given.label) \(given.text): is for --otlp") }
            otlpHeaders.append(header)
        }
        baseline = settings.value("baseline")?.text
        if let given = settings.value("tolerance") {
            if let share = Self.share(given.text) {
                tolerance = share
            } else {
                read.complain("\(given.label) \(given.text): not a share (try 10%, or 0.1)")
            }
            if baseline == nil { read.complain("\(given.label) \(given.text): is for --baseline FILE") }
        }
    }

    /// The names of the options that are given.
    var wanted: [String] {
        File.allCases.filter { files[$0] != nil }.map(\.rawValue)
            + [
                ("prometheus", prometheus != nil), ("otlp", otlp != nil), ("statsd", statsd != nil),
                ("baseline", baseline != nil),
            ].filter(\.1).map(\.0)
    }

    /// Whether standard output carries one of them, so that nothing else may go there.
    var useStandardOutput: Bool { files.values.contains("-") }

    /// `10%` or `0.1` as 0.1; nil for what is no share, or more than a hundredfold. Without a `%` it is 1 at most: whoever
    /// writes 10 means 10 % rather than ten times.
    static func share(_ text: String) -> Double? {
        let isPercent = text.hasSuffix("%")
        var digits = isPercent ? text.dropLast() : text[...]
        while digits.last == " " { digits.removeLast() }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2e }),
            let value = Double(digits)
        else { return nil }
        let share = isPercent ? value / 100 : value
        return share <= (isPercent ? 100 : 1) ? share : nil
    }

    private static func address(
        _ given: Settings.Given?, defaultPort: Int, _ read: inout Readings
    ) -> HostPort? {
        guard let given else { return nil }
        guard let address = HostPort(given.text, defaultPort: defaultPort) else {
            read.complain("\(given.label) \(given.text): not an address (try 127.0.0.1:\(defaultPort))")
            return nil
        }
        return address
    }

    private static func header(_ text: String) -> Header? {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let clean = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f || $0 == "\t" }
        guard parts.count == 2, WebAddress.isToken(String(parts[0])), clean else { return nil }
        return Header(name: String(parts[0]), value: parts[1].trimmingPrefix(while: \.isWhitespace).description)
    }
}

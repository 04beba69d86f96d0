public import LoadsCore

/// What a run measures as statsd takes it: counters of what came since the last time, gauges of what is now.
///
/// A name has letters, digits, `_` and `-`; everything else in it becomes `_`. Percentiles are those of the interval.
public enum StatsdLines {
    /// Metrics of an interval, one a line, without line feeds.
    ///
    /// - Parameter prefix: What all names begin with, such as `loads`.
    public static func lines(_ statistics: Statistics, prefix: String) -> [String] {
        var lines: [String] = []
        func count(_ name: String, _ value: Int) {
            if value > 0 { lines.append("\(prefix).\(name):\(value)|c") }
        }
        func times(_ name: String, _ histogram: Histogram) {
            for (label, fraction) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1)] {
                guard let value = histogram.percentile(fraction) else { continue }
                lines.append("\(prefix).\(name).\(label):\(Decimal.text(Double(value) / 1e6, decimals: 3))|g")
            }
        }
        for (name, hits) in statistics.names.sorted(by: { $0.key < $1.key }) {
            let name = "hits.\(word(name))"
            count("\(name).count", hits.count)
            count("\(name).failed", hits.failed)
            times("\(name).latency_ms", hits.latency)
        }
        count("iterations.started", statistics.iterations.started)
        count("iterations.ok", statistics.iterations.ok)
        count("iterations.failed", statistics.iterations.failed)
        times("iterations.service_ms", statistics.service)
        times("iterations.response_ms", statistics.response)
        count("arrivals.planned", statistics.arrivals.planned)
        count("arrivals.dropped", statistics.arrivals.dropped)
        count("arrivals.cancelled", statistics.arrivals.cancelled)
        for (name, step) in statistics.steps.sorted(by: { $0.key < $1.key }) {
            count("steps.\(word(name)).count", step.count)
            count("steps.\(word(name)).failed", step.failed)
            times("steps.\(word(name)).ms", step.duration)
        }
        for (name, checks) in statistics.checks.sorted(by: { $0.key < $1.key }) {
            count("checks.\(word(name)).passed", checks.passed)
            count("checks.\(word(name)).failed", checks.failed)
        }
        for (name, metric) in statistics.metrics.sorted(by: { $0.key < $1.key }) where metric.count > 0 {
            let name = "metrics.\(word(name))"
            switch metric.kind {
            case .counter: lines.append("\(prefix).\(name):\(Decimal.text(metric.sum, decimals: 6))|c")
            case .gauge:
                // A sign makes a difference of a gauge: it has to be set to 0 before.
                if metric.last < 0 { lines.append("\(prefix).\(name):0|g") }
                lines.append("\(prefix).\(name):\(Decimal.text(metric.last, decimals: 6))|g")
            case .rate:
                count("\(name).count", metric.count)
                count("\(name).true", Int(metric.sum))
            case .trend: times(name, metric.trend)
            }
        }
        for (kind, errors) in statistics.errors.sorted(by: { $0.key < $1.key }) {
            count("errors.\(word(kind))", errors.count)
        }
        lines.append("\(prefix).users:\(statistics.users)|g")
        return lines
    }

    /// Lines as datagrams of at most so many bytes; a line that is longer is a datagram of its own.
    ///
    /// - Parameter limit: What goes through an Ethernet without being cut, by default.
    public static func datagrams(_ lines: [String], limit: Int = 1432) -> [(text: String, lines: Int)] {
        var datagrams: [(text: String, lines: Int)] = []
        for line in lines {
            if let last = datagrams.last, last.text.utf8.count + 1 + line.utf8.count <= limit {
                datagrams[datagrams.count - 1] = (last.text + "\n" + line, last.lines + 1)
            } else {
                datagrams.append((line, 1))
            }
        }
        return datagrams
    }

    private static func word(_ name: String) -> String {
        var word = ""
        for scalar in name.unicodeScalars {
            let plain = scalar.isASCII && (scalar.properties.isAlphabetic || (48...57).contains(scalar.value))
            let isPlain = plain || scalar == "_" || scalar == "-"
            if isPlain { word.unicodeScalars.append(scalar) } else if word.last != "_" { word += "_" }
        }
        while word.last == "_" { word.removeLast() }
        return word.isEmpty ? "_" : word
    }
}

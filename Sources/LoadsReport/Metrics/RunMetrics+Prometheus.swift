import LoadsCore

extension RunMetrics {
    /// The type of ``prometheus()``.
    public static let prometheusType = "text/plain; version=0.0.4; charset=utf-8"

    /// The figures in Prometheus's text format 0.0.4.
    ///
    /// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
    public func prometheus() -> [UInt8] {
        var text = ""
        for metric in all where !metric.points.isEmpty {
            let type =
                switch metric.kind {
                case .counter: "counter"
                case .gauge: "gauge"
                case .histogram: "histogram"
                }
            text += "# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(type)\n"
            for point in metric.points {
                let labels = point.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
                func line(_ suffix: String, _ more: [String], _ value: String) {
                    let all = labels + more
                    text += metric.name + suffix + (all.isEmpty ? "" : "{" + all.joined(separator: ",") + "}")
                    text += " \(value)\n"
                }
                switch point.value {
                case .count(let count): line("", [], "\(count)")
                case .number(let number): line("", [], "\(number)")
                case .distribution(let histogram):
                    for (bound, count) in zip(metric.bounds, metric.cumulative(histogram)) {
                        line("_bucket", ["le=\"\(bound)\""], "\(count)")
                    }
                    line("_bucket", ["le=\"+Inf\""], "\(histogram.count)")
                    line("_sum", [], "\(Double(histogram.sum) / metric.scale)")
                    line("_count", [], "\(histogram.count)")
                }
            }
        }
        return Array(text.utf8)
    }

    /// A label's value: backslash, quotation mark and line feed are escaped.
    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

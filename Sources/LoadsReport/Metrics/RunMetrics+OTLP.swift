import LoadsCore

extension RunMetrics {
    /// The figures as the body of an `ExportMetricsServiceRequest` in OTLP's JSON encoding: cumulative since the start of
    /// the run, distributions with explicit bounds.
    ///
    /// Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding (OTLP 1.3)
    ///
    /// - Parameters:
    ///   - time: Wall time of the figures, in seconds since 1970.
    ///   - version: Of `loads`.
    /// - Returns: The body, and how many data points it has.
    public func otlp(at time: Double, version: String) -> (body: [UInt8], points: Int) {
        var json = JSONWriter()
        var points = 0
        let start = Self.nanoseconds(startedAt ?? time)
        let now = Self.nanoseconds(max(time, startedAt ?? time))
        json.object { json in
            json.array("resourceMetrics") { json in
                json.object { json in
                    json.object("resource") { json in
                        Self.attributes(
                            [
                                ("service.name", "loads"), ("service.version", version),
                                ("service.instance.id", id), ("loads.target", target),
                            ], &json)
                    }
                    json.array("scopeMetrics") { json in
                        json.object { json in
                            json.object("scope") { json in
                                json.key("name")
                                json.value("loads")
                            }
                            json.array("metrics") { json in
                                for metric in all where !metric.points.isEmpty {
                                    points += metric.points.count
                                    json.object { metric.writeOTLP(start, now, &$0) }
                                }
                            }
                        }
                    }
                }
            }
        }
        return (json.bytes, points)
    }

    /// 64-bit numbers are text in OTLP's JSON.
    private static func nanoseconds(_ seconds: Double) -> String { "\(UInt64(max(0, min(seconds, 1e10)) * 1e9))" }

    fileprivate static func attributes(_ attributes: [(String, String)], _ json: inout JSONWriter) {
        json.array("attributes") { json in
            for (key, value) in attributes {
                json.object { json in
                    json.key("key")
                    json.value(key)
                    json.object("value") { json in
                        json.key("stringValue")
                        json.value(value)
                    }
                }
            }
        }
    }
}

extension RunMetric {
    fileprivate func writeOTLP(_ start: String, _ now: String, _ json: inout JSONWriter) {
        json.key("name")
        json.value(otlpName)
        json.key("unit")
        json.value(unit)
        json.key("description")
        json.value(help)
        let kind: StaticString =
            switch kind {
            case .counter: "sum"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        json.object(kind) { json in
            if self.kind != .gauge {
                json.key("aggregationTemporality")
                json.value(2)
            }
            if self.kind == .counter {
                json.key("isMonotonic")
                json.value(true)
            }
            json.array("dataPoints") { json in
                for point in points {
                    json.object { json in
                        RunMetrics.attributes(point.labels.map { ($0.name, $0.value) }, &json)
                        json.key("startTimeUnixNano")
                        json.value(start)
                        json.key("timeUnixNano")
                        json.value(now)
                        write(point.value, &json)
                    }
                }
            }
        }
    }

    private func write(_ value: Value, _ json: inout JSONWriter) {
        switch value {
        case .count(let count):
            json.key("asInt")
            json.value("\(count)")
        case .number(let number):
            json.key("asDouble")
            json.value(number, decimals: 9)
        case .distribution(let histogram):
            json.key("count")
            json.value("\(histogram.count)")
            json.key("sum")
            json.value(Double(histogram.sum) / scale, decimals: 9)
            if !histogram.isEmpty {
                json.key("min")
                json.value(Double(histogram.min) / scale, decimals: 9)
                json.key("max")
                json.value(Double(histogram.max) / scale, decimals: 9)
            }
            // One more bucket than bounds, each with its own count.
            let cumulative = cumulative(histogram) + [histogram.count]
            json.array("bucketCounts") { json in
                for (place, count) in cumulative.enumerated() {
                    json.value("\(count - (place == 0 ? 0 : cumulative[place - 1]))")
                }
            }
            json.array("explicitBounds") { json in for bound in bounds { json.value(bound, decimals: 4) } }
        }
    }

    /// As OpenTelemetry names things: dots, without the unit and `_total`, which Prometheus's exporters add themselves.
    private var otlpName: String {
        var words = name.split(separator: "_")
        if words.last == "total" { words.removeLast() }
        if words.last == "seconds" || words.last == "bytes", words.count > 2 { words.removeLast() }
        return words.joined(separator: ".")
    }
}

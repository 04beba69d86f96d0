internal import LoadsCore

extension Summary {
    /// Scenarios, steps, checks and metrics.
    func writeGrouped(_ json: inout JSONWriter) {
        if !statistics.scenarios.isEmpty {
            json.array("scenarios") { json in
                for (name, scenario) in statistics.scenarios.sorted(by: { $0.key < $1.key }) {
                    json.object { scenario.write(name, &$0) }
                }
            }
        }
        json.array("steps") { json in
            for (name, step) in statistics.steps.sorted(by: { $0.key < $1.key }) {
                json.object { step.write(name, &$0) }
            }
        }
        json.array("checks") { json in
            for (name, counts) in statistics.checks.sorted(by: { $0.key < $1.key }) {
                json.object { json in
                    json.key("name")
                    json.value(name)
                    json.key("passed")
                    json.value(counts.passed)
                    json.key("failed")
                    json.value(counts.failed)
                }
            }
        }
        json.array("metrics") { json in
            for (name, metric) in statistics.metrics.sorted(by: { $0.key < $1.key }) {
                json.object { metric.write(name, &$0) }
            }
        }
    }
}

extension ScenarioStatistics {
    fileprivate func write(_ name: String, _ json: inout JSONWriter) {
        json.key("name")
        json.value(name)
        json.object("iterations") { iterations.write(&$0) }
        json.object("iteration_ms") { json in
            json.key("response")
            response.write(&json)
            json.key("service")
            service.write(&json)
        }
        if arrivals != ArrivalCounts() { json.object("arrivals") { arrivals.write(&$0) } }
    }
}

extension StepStatistics {
    fileprivate func write(_ name: String, _ json: inout JSONWriter) {
        json.key("name")
        json.value(name)
        json.key("count")
        json.value(count)
        json.key("failed")
        json.value(failed)
        json.key("duration_ms")
        duration.write(&json, full: true)
    }
}

extension MetricStatistics {
    fileprivate func write(_ name: String, _ json: inout JSONWriter) {
        json.key("name")
        json.value(name)
        json.key("kind")
        json.value(kind.rawValue)
        json.key("unit")
        json.value(unit)
        json.key("count")
        json.value(count)
        json.key("refused")
        json.value(refused)
        switch kind {
        case .counter:
            json.key("sum")
            json.value(sum, decimals: 6)
        case .gauge:
            let known = count > 0
            json.key("last")
            json.value(known ? last : nil, decimals: 6)
            json.key("last_s")
            json.value(known ? lastAt : nil, decimals: 6)
            json.key("min")
            json.value(known ? min : nil, decimals: 6)
            json.key("max")
            json.value(known ? max : nil, decimals: 6)
        case .rate:
            json.key("true")
            json.value(Int(sum))
            json.key("share")
            json.value(count > 0 ? share : nil, decimals: 6)
        case .trend:
            json.key("values")
            writeValues(&json)
        }
    }

    /// The distribution in the metric's unit; null when nothing was recorded.
    private func writeValues(_ json: inout JSONWriter) {
        if count == 0 {
            json.value(Int?.none)
            return
        }
        json.object { json in
            json.key("min")
            json.value(min, decimals: 6)
            json.key("mean")
            json.value(mean, decimals: 6)
            for (key, fraction) in Histogram.jsonPercentiles {
                json.key(key)
                json.value(percentile(fraction), decimals: 6)
            }
            json.key("max")
            json.value(max, decimals: 6)
        }
    }
}

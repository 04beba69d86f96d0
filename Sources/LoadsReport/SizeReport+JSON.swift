internal import LoadsCore
internal import LoadsEventLoop

extension SizeReport {
    /// The version of the JSON form; it changes when a field changes its meaning or goes.
    public static let jsonSchema = 1

    /// The result as one JSON object, as `Docs/Size.md` describes it.
    public func json() -> [UInt8] {
        var json = JSONWriter(indent: 2)
        json.object { json in
            json.key("schema")
            json.value(Self.jsonSchema)
            json.key("target")
            json.value(target)
            json.key("unit")
            json.value(unit.rawValue)
            json.array("thresholds") { json in for threshold in thresholds { json.value(threshold.expression) } }
            json.key("found")
            json.value(result.found)
            json.key("broken")
            json.value(result.broken)
            json.key("limit")
            json.value(result.limit.rawValue)
            json.array("steps") { json in for step in steps { json.object { step.write(&$0) } } }
        }
        json.newline()
        return json.bytes
    }
}

extension SizeStep {
    fileprivate func write(_ json: inout JSONWriter) {
        json.key("load")
        json.value(load)
        json.key("purpose")
        json.value(purpose.rawValue)
        json.key("outcome")
        json.value(outcome.rawValue)
        json.key("run")
        json.value(summary.id)
        json.key("duration_s")
        json.value(summary.duration, decimals: 6)
        json.key("rate_per_s")
        json.value(rate, decimals: 3)
        json.key("error_share")
        json.value(errorShare, decimals: 6)
        json.key("latency_ms")
        latency.write(&json)
        json.array("thresholds") { json in
            for result in summary.thresholds { json.object { result.write(&$0) } }
        }
        json.object("verdict") { summary.verdict.write(&$0) }
    }
}

extension Comparison {
    /// The comparison as one JSON object; `Docs/Outputs.md` lists its fields.
    public func json() -> [UInt8] {
        var json = JSONWriter(indent: 2)
        json.object { json in
            json.key("schema")
            json.value(1)
            json.key("confidence")
            json.value(confidence, decimals: 6)
            json.key("tolerance")
            json.value(tolerance, decimals: 6)
            for (key, run) in [("before", before), ("after", after)] as [(StaticString, RecordedSummary.Run)] {
                json.object(key) { json in
                    json.key("id")
                    json.value(run.id)
                    json.key("target")
                    json.value(run.target)
                    json.key("started")
                    json.value(run.started)
                }
            }
            json.array("figures") { json in for figure in figures { json.object { figure.write(&$0) } } }
            for (key, names) in [
                ("only_before", onlyBefore), ("only_after", onlyAfter), ("plan_differences", planDifferences),
                ("warnings", warnings),
            ] as [(StaticString, [String])] {
                json.array(key) { json in for name in names { json.value(name) } }
            }
            json.key("regressions")
            json.value(regressions.count)
        }
        json.newline()
        return json.bytes
    }
}

extension Figure {
    fileprivate func write(_ json: inout JSONWriter) {
        json.key("of")
        switch subject {
        case .all: json.value("all")
        case .name(let name):
            json.value("name")
            json.key("name")
            json.value(name)
        case .step(let name):
            json.value("step")
            json.key("name")
            json.value(name)
        case .service: json.value("service")
        case .response: json.value("response")
        }
        json.key("figure")
        switch kind {
        case .percentile: json.value(kind.label + "_ms")
        case .errors: json.value("errors")
        case .rate: json.value("rate_per_s")
        }
        for (key, interval) in [("before", before), ("after", after), ("difference", difference)]
            as [(StaticString, Interval)]
        {
            json.object(key) { json in
                for (key, value) in [
                    ("estimate", interval.estimate), ("low", interval.low), ("high", interval.high),
                ] as [(StaticString, Double?)] {
                    json.key(key)
                    json.value(value.map { $0 / unit }, decimals: 6)
                }
            }
        }
        json.key("claim")
        json.value(claim.rawValue)
        json.key("regressed")
        json.value(regressed)
    }

    private var unit: Double {
        if case .percentile = kind { 1e6 } else { 1 }
    }
}

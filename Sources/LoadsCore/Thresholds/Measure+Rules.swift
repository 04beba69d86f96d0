extension Measure.Function {
    /// Whether it can stand without a subject.
    var takesAll: Bool {
        switch self {
        case .count, .sum, .last, .share: false
        default: true
        }
    }

    func takes(_ subject: Measure.Subject) -> Bool {
        switch (self, subject) {
        case (_, .all): takesAll
        case (.percentile, .check), (.mean, .check), (.min, .check), (.max, .check): false
        case (.percentile, _), (.mean, _), (.min, _), (.max, _): true
        case (.errors, .hit), (.errors, .step): true
        case (.checks, .check): true
        case (.hits, .hit), (.bytes, .hit): true
        case (.rate, .hit), (.rate, .step), (.rate, .check), (.rate, .metric), (.rate, .iterations): true
        case (.count, .hit), (.count, .step), (.count, .check), (.count, .metric): true
        case (.sum, .metric), (.last, .metric), (.share, .metric): true
        default: false
        }
    }

    /// What it can be of, for a person.
    var subjects: String {
        switch self {
        case .percentile, .mean, .min, .max:
            "a hit's name, step NAME, metric NAME, iterations, response, service or lag"
        case .errors: "a hit's name or step NAME"
        case .checks: "a check's name"
        case .hits, .bytes: "a hit's name"
        case .rate: "a hit's name, step NAME, check NAME, metric NAME or iterations"
        case .count: "hit NAME, step NAME, check NAME or metric NAME"
        case .sum, .last, .share: "metric NAME"
        case .failures, .dropped, .iterations: "it is of the whole run"
        }
    }
}

extension Measure {
    var isOfMetric: Bool {
        if case .metric = subject { true } else { false }
    }

    /// In which units its limit can be given.
    var units: Set<Quantity.Unit> {
        switch function {
        case .percentile, .mean, .min, .max: isOfMetric ? [.time, .number] : [.time]
        case .errors, .failures, .dropped: [.share, .number, .perSecond]
        case .checks: [.share, .number]
        case .hits, .iterations: [.number, .perSecond]
        case .rate: [.perSecond]
        case .bytes: [.bytes, .bytesPerSecond]
        case .count: [.number]
        case .sum, .last: [.number, .time]
        case .share: [.share]
        }
    }

    /// A limit as it could be given.
    var example: String {
        switch function {
        case .percentile, .mean, .min, .max: isOfMetric ? "200" : "200ms"
        case .errors, .failures, .dropped: "1%"
        case .checks, .share: "99%"
        case .hits, .iterations, .count, .sum, .last: "1000"
        case .rate: "900/s"
        case .bytes: "10MiB/s"
        }
    }
}

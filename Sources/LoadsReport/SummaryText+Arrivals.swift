import LoadsCore

extension Summary {
    /// The arrivals of an open model, and the times of iterations; response and service time one below the other.
    func arrivalLines(_ style: Style) -> [String] {
        let arrivals = statistics.arrivals
        guard arrivals != ArrivalCounts() else {
            return statistics.service.isEmpty ? [] : [label("") + statistics.service.sentence]
        }
        var lines = [
            label("arrivals") + planned(style) + "; \(Figures.count(arrivals.started)) started, "
                + mark("\(Figures.count(arrivals.dropped)) dropped", arrivals.dropped > 0, style)
                + (arrivals.cancelled > 0 ? ", \(Figures.count(arrivals.cancelled)) cancelled with the run" : "")
        ]
        let rows = [
            ("response", statistics.response), ("service", statistics.service), ("wait", statistics.userWait),
            ("lag", statistics.scheduleLag),
        ].filter { !$0.1.isEmpty }
        let columns = ["min", "mean"] + Self.percentiles.map(\.name) + ["max"]
        let cells = rows.map { Self.cells($0.1) }
        // Large times are wide, and two columns never touch.
        let widths = columns.indices.map { column in
            max(Self.columnWidth, (cells.map { $0.values[column].count }.max() ?? 0) + 2)
        }
        func row(_ values: [String]) -> String { zip(values, widths).map { $0.paddedLeft(to: $1) }.joined() }
        lines.append(label("") + row(columns))
        for ((name, times), cells) in zip(rows, cells) {
            // Not all are about the same iterations.
            let about =
                switch name {
                case "wait": ", of the \(Figures.count(Int(times.count))) that waited for a user"
                case "response" where !statistics.unscheduled.isEmpty:
                    ", of \(Figures.count(Int(times.count))) arrivals"
                case "service" where !statistics.unscheduled.isEmpty: ", of all \(Figures.count(Int(times.count)))"
                default: ""
                }
            lines.append("  " + name.paddedLeft(to: 10) + "  " + row(cells.values) + " " + cells.unit + about)
        }
        return lines
    }

    /// The figures of a row, in the unit that suits them.
    private static func cells(_ times: Histogram) -> (values: [String], unit: String) {
        let unit = TimeUnit(of: [times])
        let values =
            [Double(times.min), times.mean]
            + percentiles.map { Double(times.percentile($0.fraction) ?? 0) } + [Double(times.max)]
        return (values.map { unit.format($0) }, unit.name)
    }

    /// How many arrivals were due, and how many a second: those of the plan, if some of them are missing.
    private func planned(_ style: Style) -> String {
        let count = statistics.arrivals.planned
        let rate = arrivalRate.map { ", \(Figures.rate($0))/s" } ?? ""
        guard let all = arrivalsOfPlan, plan.arrivals?.poisson != true, all > count, lacksResults else {
            return "\(Figures.count(count)) planned\(rate)"
        }
        return style.red("\(Figures.count(all)) planned\(rate), \(Figures.count(all - count)) of them missing")
    }

    /// Whose arrivals were dropped.
    func scenarioArrivals(_ style: Style) -> [String] {
        statistics.scenarios.sorted { $0.key < $1.key }.filter { $0.value.arrivals.dropped > 0 }.map { name, own in
            "  \(name.printable): \(Figures.count(own.arrivals.planned)) planned, "
                + mark("\(Figures.count(own.arrivals.dropped)) dropped", true, style)
        }
    }

    /// What was measured in the warm-up, in one line.
    var warmUpLines: [String] {
        guard let warmUp = statistics.warmUp else { return [] }
        let hits = warmUp.hits
        var parts = ["\(Figures.count(warmUp.iterations.started)) iterations"]
        if warmUp.iterations.failed > 0 { parts[0] += " (\(Figures.count(warmUp.iterations.failed)) failed)" }
        if hits.count > 0 {
            parts.append("\(Figures.count(hits.count)) hits (\(Figures.count(hits.failed)) failed)")
            parts.append("p95 \(Figures.time(nanoseconds: Double(hits.latency.percentile(0.95) ?? 0)))")
        }
        return [
            "",
            label("warm-up") + "\(DurationText.text(plan.warmUp)), not in the figures: "
                + parts.joined(separator: ", "),
        ]
    }

    private static let percentiles: [(name: String, fraction: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999),
    ]
    private static let columnWidth = 9
}

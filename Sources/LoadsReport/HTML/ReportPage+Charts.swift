internal import LoadsCore
internal import LoadsEventLoop

/// What happened when, and how latencies are spread, as charts.
extension ReportPage {
    func writeCharts(_ html: inout HTMLWriter) {
        let points = course.points(duration: summary.duration)
        let charts = courseCharts(points) + percentileCharts
        let notes = courseNotes(points)
        guard !charts.isEmpty || !notes.isEmpty else { return }
        html.element("section", ["aria-labelledby": "charts"]) { html in
            html.element("h2", ["id": "charts"], text: points.isEmpty ? "Distribution" : "Course and distribution")
            html.element("div", ["class": "charts"]) { html in for chart in charts { chart.write(&html) } }
            for note in notes { html.element("p", ["class": "note"], text: note) }
        }
        html.newline()
    }

    // MARK: Over time

    func courseCharts(_ points: [RunCourse.Point]) -> [Chart] {
        guard !points.isEmpty else { return [] }
        let hasHits = points.contains { $0.part.hits > 0 }
        var charts = [
            hasHits
                ? rateChart(
                    points, "Requests a second", "hits a second", id: "hits",
                    [
                        ("hits", .first, { $0.hits }), ("failed", .bad, { $0.failedHits }),
                    ])
                : rateChart(
                    points, "Iterations a second", "iterations a second", id: "ended",
                    [("ended", .first, { $0.endedIterations }), ("failed", .bad, { $0.failedIterations })]),
            timeChart(
                points, hasHits ? "Latency of hits" : "Time of iterations", id: "times"
            ) { hasHits ? $0.latency : $0.times },
        ].compactMap(\.self)
        if points.contains(where: { $0.part.arrivals != ArrivalCounts() }) {
            charts += [
                rateChart(
                    points, "Arrivals a second", "arrivals a second", id: "due",
                    [
                        ("planned", .first, { $0.arrivals.planned }), ("started", .second, { $0.arrivals.started }),
                        ("dropped", .bad, { $0.arrivals.dropped }),
                    ])
            ].compactMap(\.self)
        }
        if let chart = userChart(points) { charts.append(chart) }
        return charts
    }

    /// Lines of what happened how often. Lines of what never went wrong are left out.
    private func rateChart(
        _ points: [RunCourse.Point], _ title: String, _ axis: String, id: String,
        _ counts: [(name: String, ink: Chart.Ink, count: (RunCourse.Part) -> Int)]
    ) -> Chart? {
        let lines = counts.compactMap { name, ink, count -> Chart.Line? in
            let values = points.map { (x: $0.middle, y: Optional($0.rate(count($0.part)))) }
            guard ink != .bad || values.contains(where: { $0.y! > 0 }) else { return nil }
            return Chart.Line(name: name, ink: ink, points: values)
        }
        let largest = lines.flatMap { $0.points.compactMap(\.y) }.max() ?? 0
        guard largest > 0 else { return nil }
        return courseChart(
            points, title, id: id, y: .amounts(upTo: largest, title: axis), lines, words: { Figures.rate($0) + "/s" })
    }

    private func timeChart(
        _ points: [RunCourse.Point], _ title: String, id: String, _ times: (RunCourse.Part) -> Histogram
    ) -> Chart? {
        let lines = [("p50", 0.5, Chart.Ink.first), ("p95", 0.95, .second), ("p99", 0.99, .third)].map {
            name, fraction, ink in
            Chart.Line(
                name: name, ink: ink,
                points: points.map { ($0.middle, times($0.part).percentile(fraction).map(Double.init)) })
        }
        let values = lines.flatMap { $0.points.compactMap(\.y) }
        guard !values.isEmpty else { return nil }
        return courseChart(
            points, title, id: id, y: .times(values, title: "time"), lines, words: { Figures.time(nanoseconds: $0) })
    }

    private func userChart(_ points: [RunCourse.Point]) -> Chart? {
        guard let most = points.compactMap(\.part.users).max(), most > 0 else { return nil }
        var steps = points.map { (x: $0.from, y: $0.part.users.map(Double.init)) }
        steps.append((points[points.count - 1].to, steps[steps.count - 1].y))
        return courseChart(
            points, "Users at work", id: "users",
            y: .amounts(upTo: Double(most), title: "users", areWhole: true),
            [Chart.Line(name: "users", ink: .first, points: steps, isStepped: true)], words: { Figures.number($0) })
    }

    private func courseChart(
        _ points: [RunCourse.Point], _ title: String, id: String, y: ChartAxis, _ lines: [Chart.Line],
        words: (Double) -> String
    ) -> Chart {
        let warmUp = summary.plan.warmUp.inSeconds
        var chart = Chart(
            id: "chart-\(id)", title: title, summary: Self.summary(of: lines, words), x: .course(summary.duration),
            y: y,
            lines: lines, setApart: warmUp > 0 ? min(warmUp, summary.duration) : nil)
        if points.count <= Chart.noteLimit {
            chart.notes = points.indices.map { index in
                let values = lines.compactMap { line in
                    line.points[index].y.map { (lines.count > 1 ? line.name + " " : "") + words($0) }
                }
                let span = "\(Figures.number(points[index].from)) to \(Self.rounded(points[index].to)) s"
                return Chart.Note(
                    from: points[index].from, to: points[index].to,
                    text: span + ": " + (values.isEmpty ? "nothing" : values.joined(separator: ", ")))
            }
        }
        return chart
    }

    private static func rounded(_ seconds: Double) -> String { Figures.number((seconds * 10).rounded() / 10) }

    /// What the lines of a chart show, for those who do not see them.
    private static func summary(of lines: [Chart.Line], _ words: (Double) -> String) -> String {
        lines.map { line in
            let values = line.points.compactMap(\.y)
            guard let low = values.min(), let high = values.max(), let last = values.last else {
                return "\(line.name): nothing"
            }
            return "\(line.name): from \(words(low)) to \(words(high)), at last \(words(last))"
        }.joined(separator: "; ") + "."
    }

    /// What a point stands for, and what is in none.
    private func courseNotes(_ points: [RunCourse.Point]) -> [String] {
        var notes: [String] = []
        if !points.isEmpty {
            notes.append(
                course.width == 1
                    ? "Each point is a second of the run."
                    : "Each point is \(Figures.count(course.width)) seconds of the run: their counts added up, their "
                        + "histograms merged.")
            if summary.plan.warmUp > .zero {
                notes.append("The warm-up is drawn over its time; it is in no figure and no distribution.")
            }
        }
        let all = statistics.hitCount + (statistics.warmUp?.hitCount ?? 0)
        let drawn = points.reduce(0) { $0 + $1.part.hits }
        if course.earlierHits > 0 {
            notes.append(
                "\(Figures.count(course.earlierHits, "hit")) from before this report was attached to the run have no place over time."
            )
        }
        let missing = all - drawn - course.earlierHits
        if missing > 0, !points.isEmpty {
            notes.append(
                "\(Figures.count(missing, "hit")) are in no chart over time: they were lost on their way to this report, not in the figures."
            )
        }
        return notes
    }

    // MARK: By percentile

    var percentileCharts: [Chart] {
        var charts: [Chart] = []
        let latency = statistics.hits.latency
        if !latency.isEmpty {
            charts.append(
                percentileChart("Latency of hits by percentile", id: "latency", [("latency", .first, latency)]))
        }
        if !statistics.response.isEmpty {
            charts.append(
                percentileChart(
                    "Iterations by percentile", id: "iteration",
                    [("response time", .first, statistics.response), ("service time", .third, statistics.service)]))
        } else if latency.isEmpty, !statistics.service.isEmpty {
            charts.append(
                percentileChart(
                    "Iterations by percentile", id: "iteration", [("service time", .first, statistics.service)]))
        }
        return charts
    }

    private func percentileChart(
        _ title: String, id: String, _ distributions: [(name: String, ink: Chart.Ink, times: Histogram)]
    ) -> Chart {
        let shown = distributions.filter { !$0.times.isEmpty }
        let lines = shown.map { name, ink, times in
            let curve = PercentileCurve(times)
            return Chart.Line(
                name: name, ink: ink, points: curve.points.map { ($0.x, Optional($0.y)) }, isStepped: curve.isExact)
        }
        let words = shown.map { name, _, times in
            "\(name): "
                + [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("most", 1)].map {
                    "\($0.0) \(Figures.time(nanoseconds: Double(times.percentile($0.1) ?? 0)))"
                }.joined(separator: ", ")
        }
        return Chart(
            id: "chart-\(id)", title: title, summary: words.joined(separator: "; ") + ".",
            x: .percentiles(of: shown.map(\.times.count).max() ?? 0),
            y: .times(lines.flatMap { $0.points.compactMap(\.y) }, title: "time"), lines: lines)
    }
}

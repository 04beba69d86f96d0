internal import LoadsCore
internal import LoadsEventLoop

/// What stands at the top: what was run, what came of it, and whether its numbers can be trusted.
extension ReportPage {
    func writeHeader(_ html: inout HTMLWriter) {
        html.element("header") { html in
            html.element("p", ["class": "outcome \(outcome.isGood ? "good" : "bad")", "id": "outcome"]) { html in
                html.write((outcome.isGood ? "✓ " : "✗ ") + outcome.words)
            }
            html.element("h1") { $0.foreign(summary.target) }
            html.element("p", ["class": "plan"]) { $0.foreign(planWords, limit: 2000) }
            html.element("dl", ["class": "facts"]) { html in
                fact("started", &html) { html in
                    let stamp = Timestamp.utc(summary.startedAt)
                    html.element(
                        "time", ["datetime": stamp],
                        text: "\(stamp.prefix(10)) \(stamp.dropFirst(11).prefix(8)) UTC")
                }
                fact("took", &html) { $0.write(Figures.time(nanoseconds: summary.duration * 1e9)) }
                if summary.agents.count > 1 {
                    fact("agents", &html) { $0.write(Figures.count(summary.agents.count)) }
                } else if let agent = summary.agents.first {
                    fact("agent", &html) { $0.foreign(agent.name) }
                }
                fact("exit code", &html) { $0.write("\(status.rawValue)") }
                fact("run", &html) { $0.foreign(summary.id) }
            }
            writeNotices(&html)
        }
        html.newline()
    }

    private func fact(_ name: String, _ html: inout HTMLWriter, _ value: (inout HTMLWriter) -> Void) {
        html.element("div") { html in
            html.element("dt", text: name)
            html.element("dd") { value(&$0) }
        }
    }

    /// The load in words, with what was changed on the way.
    private var planWords: String {
        let plan = summary.plan
        var words = plan.phrase + summary.adjusted
        if plan.rampUp > .zero { words += ", started over \(DurationText.text(plan.rampUp))" }
        if plan.warmUp > .zero { words += ", \(DurationText.text(plan.warmUp)) of it to warm up" }
        return words
    }

    /// How the run ended, unless it did as planned, and what else one must know to read its figures.
    private func writeNotices(_ html: inout HTMLWriter) {
        var notices: [String] = []
        if let stopping = summary.thresholds.first(where: \.aborted) {
            notices.append("stopped by the threshold \(stopping.expression)")
        } else if summary.interrupted {
            notices.append("\(summary.stopped ?? "interrupted"): the numbers cover what ran until then")
        }
        if let reason = summary.tearDownFailure { notices.append("the tear-down was not done: \(reason)") }
        if let crash = summary.crash {
            notices.append("\(crash.isLoss ? "the run broke off" : "the runner crashed"): \(crash.reason)")
        }
        notices += summary.warningTexts
        if !notices.isEmpty {
            html.element("ul", ["class": "notices"]) { html in
                for notice in notices { html.element("li") { $0.foreign(notice, limit: 1000) } }
            }
        }
        if let output = summary.crash?.output, !output.isEmpty {
            html.element("pre", text: String(output.suffix(4000)))
        }
    }

    func writeVerdict(_ html: inout HTMLWriter) {
        let verdict = summary.verdict
        html.element("section", ["class": "verdict \(verdict.kind.rawValue)", "aria-labelledby": "verdict"]) { html in
            html.element("h2", ["id": "verdict"]) { html in
                html.write("Verdict: ")
                html.element("strong", text: verdict.kind.rawValue)
            }
            html.element("p", text: verdict.kind.sentence)
            guard !verdict.reasons.isEmpty else { return }
            html.element("ul") { html in
                for reason in verdict.reasons.prefix(Self.reasonLimit) {
                    html.element("li") { html in
                        html.foreign(reason.text, limit: 2000)
                        guard let actual = reason.actual else { return }
                        html.write(" ")
                        html.element(
                            "span", ["class": "numbers"],
                            text: "\(reason.code.rawValue): \(actual)"
                                + (reason.limit.map { ", at most \($0)" } ?? ""))
                    }
                }
                let rest = verdict.reasons.count - Self.reasonLimit
                if rest > 0 { html.element("li", text: "\(Figures.count(rest)) more: --json FILE has them all") }
            }
        }
        html.newline()
    }

    /// Reasons shown at most: of a thousand agents each may have one.
    private static let reasonLimit = 50

    func writeThresholds(_ html: inout HTMLWriter) {
        guard !summary.thresholds.isEmpty else { return }
        HTMLTable(
            columns: ["threshold", "state", "limit", "actual", "samples", "remarks"], words: [1, 5],
            rows: summary.thresholds.map { result in
                HTMLTable.Row(
                    name: result.expression,
                    cells: [
                        result.stateWords, "\(result.threshold.comparison.rawValue) \(result.threshold.limit)",
                        result.actualText ?? "–", Figures.count(result.samples), result.remarks,
                    ], isBad: result.state == .breached)
            }
        ).write("Thresholds", id: "thresholds", &html)
    }

    /// The figures that one looks for first.
    func writeKeyFigures(_ html: inout HTMLWriter) {
        let hits = statistics.hits
        let seconds = summary.measuredSeconds
        func rate(_ count: Int) -> String { Figures.rate(summary.rate(of: count)) + "/s" }
        html.element("dl", ["class": "tiles"]) { html in
            let iterations = statistics.iterations
            tile(
                "iterations", "iterations", Figures.count(iterations.started), iterations.words,
                isBad: iterations.failed > 0, &html)
            if statistics.arrivals != ArrivalCounts() {
                let arrivals = statistics.arrivals
                tile(
                    "arrivals", "arrivals", Figures.count(arrivals.planned), arrivalWords, isBad: arrivals.dropped > 0,
                    &html)
            }
            let measured = "over \(Figures.time(nanoseconds: seconds * 1e9)) measured"
            guard hits.count > 0 || statistics.service.isEmpty else {
                tile("rate", "iteration rate", rate(iterations.ended), measured, &html)
                return
            }
            let cancelled =
                hits.cancelled > 0
                ? "\(Figures.count(hits.cancelled)) more cancelled with the run" : "all names together"
            tile("hits", "hits", Figures.count(hits.count), cancelled, &html)
            tile("rate", "hit rate", rate(hits.count), measured, &html)
            tile(
                "failed", "failed hits", Figures.count(hits.failed),
                Figures.percent(hits.failed, of: hits.count) + " of all", isBad: hits.failed > 0, &html)
            if !hits.latency.isEmpty {
                func time(_ fraction: Double) -> String {
                    Figures.time(nanoseconds: Double(hits.latency.percentile(fraction) ?? 0))
                }
                tile("latency", "latency p95", time(0.95), "p50 \(time(0.5)), p99 \(time(0.99))", &html)
            }
            tile(
                "bytes", "received", Figures.bytes(hits.bytesReceived), "\(Figures.bytes(hits.bytesSent)) sent", &html)
        }
        html.newline()
    }

    private func tile(
        _ id: String, _ name: String, _ figure: String, _ words: String, isBad: Bool = false,
        _ html: inout HTMLWriter
    ) {
        html.element("div", ["class": isBad ? "tile bad" : "tile"]) { html in
            html.element("dt", text: name)
            html.element("dd", ["class": "figure", "id": "figure-\(id)"], text: figure)
            html.element("dd", text: words)
        }
    }
}

extension Verdict.Kind {
    /// What it means for who reads the numbers.
    fileprivate var sentence: String {
        switch self {
        case .valid: "Nothing speaks against these numbers: they are the target's."
        case .generatorLimited:
            "The load generator was a bottleneck: the target may be better than these numbers, which are in part the generator's."
        case .incomplete: "Something that was measured, or should have been, is not in these numbers."
        }
    }
}

extension IterationCounts {
    /// How they ended.
    var words: String {
        var parts = ["\(Figures.count(ok)) ok", "\(Figures.count(failed)) failed"]
        if skipped > 0 { parts.append("\(Figures.count(skipped)) skipped") }
        if interrupted > cutOff { parts.append("\(Figures.count(interrupted - cutOff)) interrupted") }
        if cutOff > 0 { parts.append("\(Figures.count(cutOff)) cut off") }
        if started > ended { parts.append("\(Figures.count(started - ended)) without an end") }
        return parts.joined(separator: ", ")
    }
}

extension ThresholdResult {
    fileprivate var stateWords: String {
        switch state {
        case .passed: "✓ kept"
        case .breached: "✗ breached"
        case .unjudged: "? not judged"
        }
    }

    fileprivate var remarks: String {
        var parts: [String] = []
        if let doubtText { parts.append(doubtText) }
        if windows > 0 {
            parts.append(
                "\(Figures.count(brokenWindows)) of \(Figures.count(windows, "window")) broke it")
            if let windowEnd { parts.append("the actual one ends at \(windowEnd) s") }
        }
        if let breachedAt { parts.append("breached at \(breachedAt) s") }
        if aborted { parts.append("the run was stopped") }
        return parts.joined(separator: "; ")
    }
}

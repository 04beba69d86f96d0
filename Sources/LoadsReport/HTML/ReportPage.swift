public import LoadsCore

extension Summary {
    /// The summary as a page of HTML: one file without a script, that needs no network and nothing beside it.
    ///
    /// Its size is bounded, whatever the run: `Docs/Outputs.md` says by what.
    ///
    /// - Parameters:
    ///   - status: The exit code that the run earns.
    ///   - course: What was measured when; without it the page has no charts over time.
    ///   - comparison: With an earlier run.
    public func html(
        _ status: ExitStatus, course: RunCourse = RunCourse(), comparison: Comparison? = nil
    ) -> [UInt8] {
        Array(ReportPage(summary: self, status: status, course: course, comparison: comparison).text.utf8)
    }
}

/// A run as a page.
struct ReportPage {
    let summary: Summary
    let status: ExitStatus
    let course: RunCourse
    let comparison: Comparison?

    var statistics: Statistics { summary.statistics }

    var text: String {
        var html = HTMLWriter(preamble: "<!DOCTYPE html>\n")
        html.element("html", ["xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"]) { html in
            html.element("head") { writeHead(&$0) }
            html.newline()
            html.element("body") { html in
                html.element("main") { writeBody(&$0) }
            }
        }
        html.newline()
        return html.text
    }

    private func writeHead(_ html: inout HTMLWriter) {
        html.void("meta", ["charset": "utf-8"])
        html.void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        html.void("meta", ["name": "color-scheme", "content": "light dark"])
        // Nothing is to be fetched and nothing to be run, whatever a target or a test has put into a name.
        html.void(
            "meta",
            ["http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"])
        html.element("title", text: "Loads: \(summary.target.printable.shortened(to: 120)): \(outcome.words)")
        html.newline()
        html.style(ReportPage.sheet)
    }

    private func writeBody(_ html: inout HTMLWriter) {
        writeHeader(&html)
        writeVerdict(&html)
        writeThresholds(&html)
        writeKeyFigures(&html)
        writeCharts(&html)
        writeNames(&html)
        writeStatuses(&html)
        writeIterations(&html)
        writeScenarios(&html)
        writeSteps(&html)
        writeChecks(&html)
        writeMetrics(&html)
        writeProblems("Errors", "kind", statistics.errors, id: "errors", &html)
        writeProblems("Failures", "at", statistics.failures, id: "failures", &html)
        writeWarmUp(&html)
        writeAgents(&html)
        writeGenerator(&html)
        writeComparison(&html)
        writeFooter(&html)
    }

    /// What came of it, in a word and in a phrase.
    var outcome: (isGood: Bool, words: String) {
        switch status {
        case .passed: (true, "passed")
        case .interrupted: (false, "interrupted")
        case .breached: (false, breachWords)
        case .invalid: (false, "the numbers cannot be trusted")
        case .failures: (false, "failures")
        case .crashed: (false, summary.crash?.isLoss == true ? "broken off" : "crashed")
        case .nothingToRun: (false, "nothing was measured")
        case .fault: (false, "incomplete: something could not be written")
        case .usage, .doesNotBuild: (false, "failed")
        }
    }

    private var breachWords: String {
        let count = summary.thresholds.count { $0.state == .breached }
        return count == 0
            ? "worse than the baseline" : count == 1 ? "a threshold was breached" : "\(count) thresholds were breached"
    }

    private func writeComparison(_ html: inout HTMLWriter) {
        guard let comparison else { return }
        html.element("section", ["aria-labelledby": "baseline"]) { html in
            html.element("h2", ["id": "baseline"], text: "Beside the baseline")
            html.element("pre", text: comparison.text())
        }
        html.newline()
    }

    private func writeFooter(_ html: inout HTMLWriter) {
        html.element("footer") { html in
            html.element(
                "p",
                text:
                    "Latency runs from the call to the last byte, and a failed hit counts with its time. The service time of an "
                    + "iteration runs from its start, the response time from when it was due. Percentiles are the nearest rank, out "
                    + "of histograms with three significant digits that are merged by adding counts; least and largest values "
                    + "are exact. Rates are over the \(Figures.time(nanoseconds: summary.measuredSeconds * 1e9)) that were measured."
            )
        }
    }
}

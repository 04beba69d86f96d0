public import LoadsCore
internal import LoadsEventLoop

extension Summary {
    /// The summary as a person reads it at the end of a run; ends with a line feed.
    public func text(_ style: Style = Style()) -> String {
        var lines = headline(style)
        lines += totals(style)
        if !statistics.scenarios.isEmpty {
            lines.append("")
            lines += NameTable(scenarios: statistics.scenarios, rate: rate(of:scenario:)).lines(style)
            lines += scenarioArrivals(style)
        }
        if !statistics.names.isEmpty {
            lines.append("")
            lines += NameTable(statistics, rate: rate(of:)).lines(style)
        }
        if !statistics.steps.isEmpty {
            lines.append("")
            lines += NameTable(steps: statistics.steps, rate: rate(of:)).lines(style)
        }
        lines += GroupedText(statistics, rate: rate(of:)).lines(style)
        lines += problems("errors", statistics.errors, style)
        lines += problems("failures", statistics.failures, style)
        lines += agentLines(style)
        lines += thresholdLines(style)
        lines += warmUpLines
        lines.append("")
        lines.append(generator)
        lines += verdict.lines(style)
        lines += warnings(style)
        return lines.joined(separator: "\n") + "\n"
    }

    private func headline(_ style: Style) -> [String] {
        var lines = [
            style.bold(target.printable) + ": \(plan.phrase)\(adjusted), \(Figures.time(nanoseconds: duration * 1e9))"
        ]
        if let stopping = thresholds.first(where: \.aborted) {
            lines.append(style.red("stopped by the threshold \(stopping.expression.printable)"))
        } else if interrupted {
            let reason = stopped.map { $0.printable + ": " } ?? "interrupted: "
            lines.append(style.yellow(reason + "the numbers cover what ran until then"))
        } else if measuredNothing, crash == nil {
            lines.append(style.red("nothing was measured: \(whyNothing)"))
        }
        if let tearDownFailure {
            lines.append(style.red("the tear-down was not done: ") + tearDownFailure.printable)
        }
        if let crash, crash.isLoss {
            lines.append(style.red("the run broke off: \(crash.reason.printable)"))
        } else if let crash {
            lines.append(style.red("the runner crashed: \(crash.reason.printable)"))
            lines.append(
                "  not in the numbers: \(Figures.count(crash.unreportedStarted, "iteration")) started, "
                    + "\(Figures.count(crash.unreportedEnded)) ended, \(Figures.count(crash.unreportedHits, "hit"))")
            for line in crash.output.split(whereSeparator: \.isNewline).suffix(12) {
                lines.append(style.dim("  │ ") + String(line).printable)
            }
        }
        return lines
    }

    private var whyNothing: String {
        if statistics.iterations.started > 0 { return "no iteration came to its end: give it more time (-d, --grace)" }
        if let warmUp = statistics.warmUp, warmUp.iterations.started > 0 || warmUp.hitCount > 0 {
            return "everything that ran belongs to the warm-up of \(DurationText.text(plan.warmUp)) (--warm-up)"
        }
        return isProgram ? "the program reported no hit and no iteration" : "nothing was run"
    }

    /// How the number of users or the rate was changed on the way; of very many changes the last ones.
    var adjusted: String {
        guard !changes.isEmpty else { return "" }
        let shown = changes.suffix(Self.changeLimit).map {
            "\($0.rate?.text ?? Figures.count($0.users, "user")) at \(Figures.time(nanoseconds: $0.at * 1e9))"
        }
        let before = changes.count - shown.count
        return ", adjusted " + (before > 0 ? "\(before == 1 ? "once" : "\(before) times"), then " : "")
            + "to " + shown.joined(separator: ", ")
    }

    private func totals(_ style: Style) -> [String] {
        let iterations = statistics.iterations
        let hits = statistics.hits
        var parts = ["\(Figures.count(iterations.ok)) ok"]
        parts.append(mark("\(Figures.count(iterations.failed)) failed", iterations.failed > 0, style))
        if iterations.skipped > 0 { parts.append("\(Figures.count(iterations.skipped)) skipped") }
        let stopped = iterations.interrupted - iterations.cutOff
        if stopped > 0 { parts.append("\(Figures.count(stopped)) interrupted") }
        if iterations.cutOff > 0 {
            parts.append(style.red("\(Figures.count(iterations.cutOff)) cut off at the end of the grace"))
        }
        let open = iterations.started - iterations.ended
        if open > 0 { parts.append("\(Figures.count(open)) without an end") }
        var lines = [
            "", label("iterations") + "\(Figures.count(iterations.started)): " + parts.joined(separator: ", "),
        ]
        lines += arrivalLines(style)
        let cancelled =
            hits.cancelled > 0 ? ["\(Figures.count(hits.cancelled)) cancelled with the run, in no other figure"] : []
        if hits.count > 0 {
            let share = "\(Figures.count(hits.failed)) failed (\(Figures.percent(hits.failed, of: hits.count)))"
            lines.append(
                label("hits") + "\(Figures.count(hits.count)): " + mark(share, hits.failed > 0, style)
                    + ", \(Figures.rate(rate(of: hits.count)))/s, "
                    + ([Figures.count(hits.requests, "request")] + cancelled).joined(separator: ", "))
            lines.append(
                label("bytes") + "\(Figures.bytes(hits.bytesSent)) sent, \(Figures.bytes(hits.bytesReceived)) received")
            if !hits.status.isEmpty {
                let codes = hits.status.keys.sorted().map { code in
                    mark("\(code): \(Figures.count(hits.status[code]!))", code >= 400, style)
                }
                lines.append(label("status") + codes.joined(separator: ", "))
            }
        } else if !measuredNothing, !isURLTarget, crash == nil {
            let reason = isProgram ? "the program reported none" : "these tests made no request with a Session"
            lines.append(label("hits") + style.yellow("none: \(reason), so only iterations are measured"))
        } else {
            lines.append(label("hits") + (["none"] + cancelled).joined(separator: ", "))
        }
        return lines
    }

    private func problems(_ title: String, _ groups: [String: Occurrences], _ style: Style) -> [String] {
        guard !groups.isEmpty else { return [] }
        let ranked = groups.byFrequency
        let shown = ranked.prefix(Self.groupLimit)
        let countWidth = Figures.count(shown[0].value.count).count
        var lines = ["", style.bold("  \(title)")]
        for (key, occurrences) in shown {
            let count = Figures.count(occurrences.count).paddedLeft(to: countWidth)
            let span =
                occurrences.count == 1
                ? "at \(Figures.time(nanoseconds: occurrences.first * 1e9))"
                : "from \(Figures.time(nanoseconds: occurrences.first * 1e9)) "
                    + "to \(Figures.time(nanoseconds: occurrences.last * 1e9))"
            lines.append("  \(count) × " + style.red(key.printable) + style.dim("  \(span)"))
            let indent = String(repeating: " ", count: countWidth + 5)
            let room = style.width.map { max(20, $0 - indent.count) } ?? .max
            for line in occurrences.sample.split(whereSeparator: \.isNewline).prefix(Self.sampleLines) {
                lines.append(indent + String(line).printable.shortened(to: room))
            }
        }
        let rest = ranked.count - shown.count
        if rest > 0 { lines.append("  … and \(rest) more: --json FILE has them all") }
        return lines
    }

    private var generator: String {
        let health = statistics.health
        let share = duration > 0 ? " (\(Figures.fixed(health.cpuSeconds / duration * 100, 0)) % of a core)" : ""
        return label("generator") + "CPU \(Figures.time(nanoseconds: health.cpuSeconds * 1e9))\(share), "
            + "loop lag at most \(Figures.time(nanoseconds: Double(health.lag.worst))), "
            + "memory at most \(Figures.bytes(health.peakResidentBytes))"
    }

    private func warnings(_ style: Style) -> [String] {
        warningTexts.map { label("") + style.yellow("warning: " + $0) }
    }

    /// What one must know to read the figures.
    var warningTexts: [String] {
        let health = statistics.health
        var warnings: [String] = []
        warnings += thresholdWarnings
        warnings += blocking
        if health.droppedHits > 0 {
            warnings.append(
                "\(Figures.count(health.droppedHits, "hit")) \(areOrIs(health.droppedHits)) missing in the "
                    + "stream, not in the numbers: its reader was too slow, or away for too long")
        }
        if health.orphanFailures > 0 {
            warnings.append(
                "\(Figures.count(health.orphanFailures, "failure")) "
                    + "\(health.orphanFailures == 1 ? "belongs" : "belong") to no iteration: expectations in detached "
                    + "tasks or on queues lose theirs")
        }
        if health.overflowedNames > 0 {
            warnings.append(
                "\(Figures.count(health.overflowedNames, "name")) beyond --max-names \(plan.maxNames) "
                    + "\(areOrIs(health.overflowedNames)) counted as "
                    + "\(Statistics.otherName): group their URLs with name:")
        }
        let refused = statistics.metrics.values.reduce(0) { $0 + $1.refused }
        if refused > 0 {
            warnings.append(
                "\(Figures.count(refused)) values of metrics could not be recorded: no finite numbers, or out of range "
                    + "(a trend takes none below 0)")
        }
        return warnings
    }

    /// Who held its loop, and for how long.
    private var blocking: [String] {
        let lag = statistics.health.lag
        let threshold = "over \(Figures.time(nanoseconds: Double(LoopLag.longJobThreshold)))"
        let ranked = lag.holdersByTime
        var lines = ranked.prefix(Self.holderLimit).map { name, hold in
            "\(name.printable) blocked its loop for at most \(Figures.time(nanoseconds: Double(hold.longest))) "
                + "(\(times(hold.count)) \(threshold)): use --threads, or asynchronous code"
        }
        if ranked.count > lines.count {
            lines.append("\(ranked.count - lines.count) more blocked their loop: --json FILE has them all")
        }
        let others = lag.longJobs - ranked.reduce(0) { $0 + $1.value.count }
        if others > 0 {
            let longest = ranked.isEmpty ? " for at most \(Figures.time(nanoseconds: Double(lag.longestJob)))" : ""
            lines.append(
                "no test's body, but other work held a loop\(longest) (\(times(others)) \(threshold)): "
                    + "latencies include the wait for it")
        }
        return lines
    }

    /// Tests that blocked their loop shown at most.
    static let holderLimit = 5
    /// Changes of the number of users shown at most.
    static let changeLimit = 5
    /// Groups of errors and of failures shown at most.
    static let groupLimit = 20
    /// Lines of a sample shown at most.
    static let sampleLines = 6

    func label(_ text: String) -> String { "  " + text.paddedRight(to: 12) }
    func mark(_ text: String, _ bad: Bool, _ style: Style) -> String { bad ? style.red(text) : text }
    private func areOrIs(_ count: Int) -> String { count == 1 ? "is" : "are" }
    private func times(_ count: Int) -> String { count == 1 ? "once" : "\(Figures.count(count)) times" }
}

extension Histogram {
    /// The distribution in words, all in one unit.
    var sentence: String {
        let unit = TimeUnit(of: [self])
        let parts =
            [("min", Double(min)), ("mean", mean)]
            + [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)].map {
                ($0.0, Double(percentile($0.1) ?? 0))
            } + [("max", Double(max))]
        return parts.map { "\($0.0) \(unit.format($0.1))" }.joined(separator: ", ") + " \(unit.name)"
    }
}

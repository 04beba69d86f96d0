public import LoadsCore

extension Summary {
    /// The summary as a JUnit report: the run's target is a case, or each of several scenarios, and so is every check and every
    /// threshold.
    ///
    /// A case fails for itself: where a threshold judges errors or checks, it is the threshold's case that fails.
    ///
    /// - Parameters:
    ///   - comparison: With an earlier run: a case of its own, which fails for regressions.
    ///   - strict: Whether numbers that cannot be trusted are refused: then the verdict is a case, too.
    ///
    /// What Ant and Jenkins read: `testsuites` with a `testsuite` for each kind of case.
    public func junit(comparison: Comparison? = nil, strict: Bool = false) -> [UInt8] {
        let suites = [
            ("loads.scenarios", scenarioCases), ("loads.checks", checkCases), ("loads.thresholds", thresholdCases),
            ("loads.verdict", strict ? [verdictCase] : []),
            ("loads.baseline", comparison.map { [Self.baselineCase($0)] } ?? []),
        ].filter { !$0.1.isEmpty }
        let all = suites.flatMap(\.1)
        var xml = XMLWriter()
        xml.element("testsuites", [("name", "loads")] + Self.counts(all) + [("time", seconds)]) { xml in
            for (name, cases) in suites {
                let attributes =
                    [("name", name)] + Self.counts(cases) + [
                        ("skipped", "\(cases.count { if case .skipped = $0.result { true } else { false } })"),
                        ("time", seconds), ("timestamp", String(Timestamp.utc(startedAt).prefix(19))),
                    ]
                xml.element("testsuite", attributes) { xml in
                    xml.element("properties", []) { xml in
                        for (name, value) in [
                            ("run", id), ("target", target), ("plan", plan.phrase), ("verdict", verdict.kind.rawValue),
                        ] {
                            xml.element("property", [("name", name), ("value", value)])
                        }
                    }
                    for one in cases { one.write(&xml, suite: name) }
                    if name == suites[0].0 { xml.element("system-out", [], text: text()) }
                }
            }
        }
        return Array(xml.text.utf8)
    }

    private var seconds: String { Decimal.text(duration, decimals: 3) }

    private static func counts(_ cases: [JUnitCase]) -> [(String, String)] {
        var (failures, errors) = (0, 0)
        for one in cases {
            switch one.result {
            case .failed: failures += 1
            case .error: errors += 1
            case .passed, .skipped: break
            }
        }
        return [("tests", "\(cases.count)"), ("failures", "\(failures)"), ("errors", "\(errors)")]
    }

    /// The target as a case: it fails when the run does for its own failures. Of several scenarios each is one; then the
    /// target is, too, where what went wrong is none's own.
    private var scenarioCases: [JUnitCase] {
        let whole = JUnitCase(name: target, result: scenarioResult, time: duration)
        let own = statistics.scenarios.filter { $0.value.iterations.started > 0 }.sorted { $0.key < $1.key }
        guard !own.isEmpty else { return [whole] }
        let cases = own.map { name, scenario in
            let iterations = scenario.iterations
            return JUnitCase(
                name: name,
                result: failed(iterations) == 0 || areFailuresJudged
                    ? .passed : .failed(message: failureText(iterations), details: ""),
                time: duration)
        }
        switch whole.result {
        case .passed, .skipped: return cases
        case .error: return cases + [whole]
        case .failed:
            let isOwn = cases.contains { if case .failed = $0.result { true } else { false } }
            let isOthers = statistics.health.orphanFailures > 0 || tearDownFailure != nil
            return isOwn && !isOthers ? cases : cases + [whole]
        }
    }

    private var checkCases: [JUnitCase] {
        statistics.checks.sorted { $0.key < $1.key }.map { name, checks in
            JUnitCase(
                name: name,
                result: checks.failed == 0 || isJudged(check: name)
                    ? .passed
                    : .failed(
                        message: "\(checks.failed) of \(checks.count) failed "
                            + "(\(Figures.percent(checks.passed, of: checks.count)) passed)", details: ""), time: 0)
        }
    }

    private var thresholdCases: [JUnitCase] {
        thresholds.map { result in
            let actual = result.actualText.map { "it was \($0)" } ?? "nothing was measured"
            let outcome: JUnitCase.Result =
                switch result.state {
                case .passed: .passed
                case .breached: .failed(message: "\(result.expression): \(actual)", details: "")
                case .unjudged: .skipped(message: result.doubtText ?? "not judged")
                }
            return JUnitCase(name: result.expression, result: outcome, time: 0)
        }
    }

    /// An error, not a failure: nothing is known of the target by it.
    private var verdictCase: JUnitCase {
        let reasons = verdict.reasons.map(\.text).joined(separator: "\n")
        return JUnitCase(
            name: "the numbers can be trusted",
            result: verdict.kind == .valid
                ? .passed : .error(message: "the run is \(verdict.kind.rawValue)", details: reasons), time: 0)
    }

    private static func baselineCase(_ comparison: Comparison) -> JUnitCase {
        JUnitCase(
            name: "no worse than the baseline",
            result: comparison.regressions.isEmpty
                ? .passed : .failed(message: comparison.conclusion, details: comparison.text()), time: 0)
    }

    private func isJudged(check name: String) -> Bool {
        thresholds.contains { result in
            let measure = result.threshold.measure
            return result.state != .unjudged && measure.function == .checks
                && (measure.name == nil || measure.name == name)
        }
    }

    private var scenarioResult: JUnitCase.Result {
        if let crash {
            let what = crash.isLoss ? "the run broke off" : "the runner crashed"
            return .error(message: "\(what): \(crash.reason)", details: crash.output)
        }
        if interrupted, !thresholds.contains(where: \.aborted) {
            return .error(message: "the run was interrupted", details: "")
        }
        var (message, details): ([String], [String]) = ([], [])
        if let tearDownFailure {
            message.append("the tear-down was not done")
            details.append(tearDownFailure)
        }
        if hasFailures, !areFailuresJudged {
            let iterations = statistics.iterations
            message.append(
                isURLTarget || iterations.started == 0
                    ? "\(statistics.failedHitCount) of \(statistics.hitCount) hits failed"
                    : failureText(iterations))
            if statistics.health.orphanFailures > 0 {
                message.append("\(statistics.health.orphanFailures) failures outside of iterations")
            }
            details += [statistics.errors, statistics.failures].flatMap { groups in
                groups.byFrequency.map { "\($0.value.count) × \($0.key)\n\($0.value.sample)" }
            }
        }
        guard !message.isEmpty else { return .passed }
        return .failed(message: message.joined(separator: ", "), details: details.joined(separator: "\n\n"))
    }

    private func failureText(_ iterations: IterationCounts) -> String {
        let cutOff = failed(iterations) - iterations.failed
        return "\(iterations.failed) of \(iterations.ended) iterations failed"
            + (cutOff > 0 ? ", \(cutOff) had not ended when the grace was over" : "")
    }

    /// Whether a threshold says what failures mean.
    private var areFailuresJudged: Bool {
        thresholds.contains { $0.threshold.judgesFailures && $0.state != .unjudged }
    }

    /// Whether the exit code would be that of failures if nobody had stopped the run, nothing was judged, and the tear-down was done.
    private var hasFailures: Bool {
        var own = self
        (own.thresholds, own.interrupted, own.tearDownFailure) = ([], false, nil)
        return ExitStatus(own) == .failures
    }
}

/// The exit codes of the `loads` command, and which one a run earns.
public enum ExitStatus: Int32, Sendable, CaseIterable {
    /// All passed.
    case passed = 0
    /// There were failures: in a test run an iteration failed, in URL mode a hit did. A program that tells of no
    /// iterations is judged by its hits. Also when the tear-down was not done.
    case failures = 1
    /// A threshold was breached.
    case breached = 3
    /// The numbers cannot be trusted, or a threshold could not be judged, and that was not to be put up with.
    case invalid = 4
    /// Wrong usage; nothing was started.
    case usage = 64
    /// The user's package does not build; nothing was started.
    case doesNotBuild = 65
    /// No such test, or nothing to run; nothing was started. Or a run that measured nothing.
    case nothingToRun = 69
    /// A fault of ours.
    case fault = 70
    /// The runner crashed.
    case crashed = 71
    /// Somebody stopped the run.
    case interrupted = 130

    /// What a run earns. What stands first wins: interrupted, a fault of ours, a crash, invalid, a breached threshold,
    /// failures, nothing measured.
    ///
    /// A run that a threshold has stopped was not interrupted. Where a threshold on `errors` or `checks` was judged, it
    /// decides about failures.
    ///
    /// An expectation that failed outside any iteration (``GeneratorHealth/orphanFailures``) is a failure too: it is
    /// shown apart, but a test that failed must not pass. Iterations that had not ended when the grace was over are failures, too:
    /// a target that hangs must not pass. Who gives no grace has wanted them cut off; nor is what a stop interrupts a failure.
    ///
    /// - Parameters:
    ///   - fault: Whether something of ours went wrong on the way.
    ///   - regressed: Whether it is certainly worse than a baseline by more than was allowed: a threshold like the others.
    ///   - strict: Whether anything but a valid run with judged thresholds is refused.
    public init(_ summary: Summary, fault: Bool = false, regressed: Bool = false, strict: Bool = false) {
        let statistics = summary.statistics
        let failed =
            if summary.isURLTarget || statistics.iterations.started == 0 {
                statistics.failedHitCount > 0 || !statistics.failures.isEmpty || statistics.health.orphanFailures > 0
            } else {
                summary.failed(statistics.iterations) > 0 || statistics.health.orphanFailures > 0
            }
        self =
            if summary.wasInterrupted {
                .interrupted
            } else if fault {
                .fault
            } else if summary.crash != nil {
                .crashed
            } else if strict && !summary.isTrusted {
                .invalid
            } else if regressed || summary.thresholds.contains(where: { $0.state == .breached }) {
                .breached
            } else if summary.tearDownFailure != nil
                || failed && !summary.thresholds.contains(where: \.decidesFailures)
            {
                .failures
            } else if summary.measuredNothing {
                .nothingToRun
            } else {
                .passed
            }
    }
}

extension Summary {
    /// Whether somebody ended the run before its plan was done, rather than a threshold.
    public var wasInterrupted: Bool { interrupted && !thresholds.contains(where: \.aborted) }

    /// How many iterations count as failures: those that failed, and those that were not done when the grace was over.
    /// Where nothing was measured there is nothing to judge by.
    public func failed(_ iterations: IterationCounts) -> Int {
        iterations.failed + (plan.grace > .zero && !measuredNothing ? iterations.cutOff : 0)
    }

    /// Whether the numbers can be trusted, and every threshold could be judged.
    fileprivate var isTrusted: Bool { verdict.kind == .valid && !thresholds.contains { $0.state == .unjudged } }
}

extension ThresholdResult {
    fileprivate var decidesFailures: Bool { threshold.judgesFailures && state != .unjudged }
}

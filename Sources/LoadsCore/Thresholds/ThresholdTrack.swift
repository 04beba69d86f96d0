/// One threshold through a run. A pure structure: what was measured and how far it is complete goes in.
struct ThresholdTrack: Sendable {
    let threshold: Threshold
    /// What is measured before it is not looked at, in seconds since the start. Without windows and `after` that is nothing: what
    /// belongs to the warm-up is not among what comes in.
    private let begin: Int
    /// Where the time begins that rates are over, in seconds since the start.
    private let timeBegins: Double
    /// Everything from `after` on; without windows only what is complete, the rest is in ``seconds``.
    private var total = Tally()
    private var seconds: [Int: Tally] = [:]
    /// Every second before it has come from every agent.
    private var complete = 0
    /// The windows that are complete, with where they stood a while ago.
    private var course: WindowCourse
    private var checkpoints: [WindowCourse] = []
    /// The first second that changed after a window with it had been judged.
    private var changedFrom: Int?
    private var lateSamples = 0
    private(set) var aborted = false
    /// As it stood the last time.
    private(set) var result: ThresholdResult

    /// Seconds between two checkpoints, and how far back they go.
    private static let checkpointInterval = 60
    private static let checkpointLimit = 60

    /// - Parameter warmUp: Where the warm-up ends, in seconds since the start.
    init(_ threshold: Threshold, warmUp: Double = 0) {
        self.threshold = threshold
        let isWhole = threshold.window == nil && threshold.delay == 0
        begin = isWhole ? 0 : Int(warmUp.rounded(.up)) + threshold.delay
        timeBegins = isWhole ? warmUp : Double(begin)
        course = WindowCourse(end: self.begin)
        checkpoints = [course]
        result = ThresholdResult(threshold: threshold)
    }

    /// The run was stopped because of it, as its record says.
    mutating func restoreAborted() { aborted = true }

    /// Adds what was measured in a second.
    mutating func take(_ statistics: Statistics, second: Int) {
        guard second >= begin else {
            // What it is about may have been seen before; then its name is no slip.
            var tally = Tally()
            threshold.measure.count(statistics, in: &tally)
            total.isKnown = total.isKnown || tally.isKnown
            return
        }
        guard threshold.window != nil else {
            if second < complete {
                threshold.measure.count(statistics, in: &total)
            } else {
                threshold.measure.count(statistics, in: &seconds[second, default: Tally()])
            }
            return
        }
        let before = total.samples
        threshold.measure.count(statistics, in: &total)
        if second < firstKept {
            lateSamples += total.samples - before
        } else {
            threshold.measure.count(statistics, in: &seconds[second, default: Tally()])
            if second < course.end { changedFrom = min(changedFrom ?? second, second) }
        }
    }

    /// Judges what is new.
    ///
    /// - Parameters:
    ///   - complete: Every second before it has come from every agent.
    ///   - due: What is not complete is judged provisionally up to there.
    ///   - last: The load comes to its end there: windows that end later are not judged.
    mutating func advance(complete: Int, due: Int, last: Int) {
        self.complete = max(self.complete, min(complete, last))
        let due = min(due, last)
        if let window = threshold.window {
            advanceWindows(window)
            var provisional = course
            judge(window, to: due, &provisional)
            result = outcome(of: provisional.end > course.end ? provisional : course, isFinal: false)
            result.provisional = provisional.end > course.end
        } else {
            for second in seconds.keys.filter({ $0 < self.complete }) {
                total.merge(seconds.removeValue(forKey: second)!)
            }
            var tally = total
            for (second, added) in seconds where second < due { tally.merge(added) }
            let end = max(self.complete, due)
            result = outcome(of: tally, over: Double(end) - timeBegins, end: end, isFinal: false)
            result.provisional = due > self.complete
        }
        if threshold.aborts, isBrokenForSure { aborted = true }
        result.aborted = aborted
    }

    /// Judges everything.
    ///
    /// - Parameters:
    ///   - duration: Of the run, in seconds.
    ///   - last: The load came to its end there.
    func final(duration: Double, last: Int) -> ThresholdResult {
        var track = self
        track.complete = max(complete, last)
        if let window = threshold.window {
            track.advanceWindows(window)
            track.result = track.outcome(of: track.course, isFinal: true)
        } else {
            for added in track.seconds.values { track.total.merge(added) }
            track.result = track.outcome(
                of: track.total, over: duration - timeBegins, end: Int(max(0, min(duration, 1e9)).rounded(.up)),
                isFinal: true)
        }
        track.result.aborted = aborted
        if aborted { track.result.state = .breached }
        track.result.provisional = false
        return track.result
    }

    // MARK: Windows

    /// The first second that a window can still be judged by.
    private var firstKept: Int { (checkpoints.first?.end ?? 0) - (threshold.window ?? 0) }

    private mutating func advanceWindows(_ window: Int) {
        if let changed = changedFrom {
            // A window that ended before the change is judged right.
            while checkpoints.count > 1, checkpoints.last!.end > changed { checkpoints.removeLast() }
            course = checkpoints.last!
            changedFrom = nil
        }
        while course.end < complete {
            let next = min(complete, course.end + Self.checkpointInterval - course.end % Self.checkpointInterval)
            judge(window, to: next, &course)
            guard course.end % Self.checkpointInterval == 0 else { continue }
            checkpoints.append(course)
            if checkpoints.count > Self.checkpointLimit {
                checkpoints.removeFirst()
                let first = firstKept
                for second in seconds.keys where second < first { seconds[second] = nil }
            }
        }
    }

    private func judge(_ window: Int, to limit: Int, _ course: inout WindowCourse) {
        while course.end < limit {
            let end = course.end + 1
            guard end - window >= begin, !isUnknown(total) else {
                course.take(nil, end: end, threshold)
                continue
            }
            var tally = Tally()
            for second in (end - window)..<end { if let added = seconds[second] { tally.merge(added) } }
            course.take(threshold.judgement(tally, seconds: Double(window), end: end), end: end, threshold)
        }
    }

    /// Broken by what can no longer change.
    private var isBrokenForSure: Bool {
        if threshold.window != nil { return course.breachedAt != nil }
        let seconds = Double(complete) - timeBegins
        guard seconds > 0, let judgement = threshold.judgement(total, seconds: seconds, end: complete) else {
            return false
        }
        return judgement.broken && !threshold.mayYetBeKept(judgement.actual)
    }

    // MARK: Results

    private func outcome(of course: WindowCourse, isFinal: Bool) -> ThresholdResult {
        var result = ThresholdResult(threshold: threshold)
        result.windows = course.judged
        result.brokenWindows = course.broken
        result.breachedAt = course.breachedAt
        result.lateSamples = lateSamples
        guard let judgement = isFinal ? course.worst : course.latest, !isUnknown(total) else {
            result.samples = total.samples
            result.doubt = doubt(total, isShort: course.end < begin + (threshold.window ?? 0))
            return result
        }
        result.actual = judgement.actual
        result.samples = judgement.samples
        result.windowEnd = judgement.end
        result.state = course.breachedAt == nil ? .passed : .breached
        return result
    }

    private func outcome(of tally: Tally, over seconds: Double, end: Int, isFinal: Bool) -> ThresholdResult {
        var result = ThresholdResult(threshold: threshold)
        result.samples = tally.samples
        result.lateSamples = lateSamples
        guard seconds > 0, let judgement = threshold.judgement(tally, seconds: seconds, end: end), !isUnknown(tally)
        else {
            result.doubt = doubt(tally, isShort: seconds <= 0)
            return result
        }
        result.actual = judgement.actual
        result.state = judgement.broken ? .breached : .passed
        if !isFinal, threshold.mayYetBeKept(judgement.actual) {
            result.state = .unjudged
            result.doubt = .notYet
        }
        return result
    }

    /// Whether it is about a name that nothing bears. A count of nothing would be 0, and hide the slip.
    private func isUnknown(_ tally: Tally) -> Bool {
        threshold.measure.name != nil && !tally.isKnown && !total.isKnown
    }

    private func doubt(_ tally: Tally, isShort: Bool) -> ThresholdResult.Doubt {
        if isUnknown(tally) { return .unknownName }
        if isShort { return .tooShort }
        if tally.samples == 0 { return .noSamples }
        return tally.samples < threshold.minimum || threshold.window != nil && threshold.minimum > 0
            ? .fewSamples : threshold.measure.isOfMetric ? .otherUnit : .noSamples
    }
}

import LoadsCore
import LoadsWire

// What is done once before the users, and once after them: by runs of their own, of which this one only learns the end.
extension RunLife {
    /// Whether it waits for its set-up.
    var isSettingUp: Bool { record.setUp?.phase == .settingUp && !record.isOver }
    /// Whether all that is left of it is its tear-down.
    var isTearingDown: Bool { record.setUp?.phase == .tearingDown && !record.isOver }

    /// The run that sets it up, or tears it down, has ended.
    ///
    /// - Parameters:
    ///   - value: What was handed over; nil if it failed.
    ///   - failure: Why it failed, for a person.
    mutating func onceEnded(_ phase: RunnerOrder.Phase, value: [UInt8]?, failure: String) {
        switch phase {
        case .setUp: setUpEnded(value, failure)
        case .tearDown: tearDownEnded(value == nil ? failure : nil)
        case .run: break
        }
    }

    private mutating func setUpEnded(_ value: [UInt8]?, _ failure: String) {
        guard record.setUp?.phase == .settingUp else { return }
        guard let value else {
            record.setUp!.phase = .over
            if let stop = record.stop { return refuse(code: 130, "\(stop.reason) before it started") }
            return refuse(code: 69, "nothing was run: \(failure)")
        }
        record.setUp!.value = value
        record.setUp!.phase = .done
        event("set-up", "the set-up is done")
        // It was told to end meanwhile: what was set up is torn down all the same.
        if record.stop != nil { refuse(code: 130, "\(record.stop!.reason) before it started") }
    }

    private mutating func tearDownEnded(_ failure: String?) {
        guard let setUp = record.setUp, setUp.phase == .tearingDown else { return }
        record.setUp!.phase = .over
        record.setUp!.failure = failure
        if let failure {
            event("tear-down-failed", "the tear-down was not done: \(failure)")
        } else {
            event("tear-down", "the tear-down is done")
        }
        if let refusal = setUp.refusal {
            record.state = .refused(code: refusal.code, message: refusal.message)
            event("refused", refusal.message)
        } else {
            record.state = .ended
            event("ended", "the run has ended")
        }
    }

    /// Begins the tear-down, if there is something to tear down.
    ///
    /// - Parameter refusal: Why nothing was run, if nothing was.
    /// - Returns: Whether the run's end waits for it.
    mutating func tearDown(refusal: RunRecord.Refusal? = nil) -> Bool {
        guard record.setUp?.phase == .done else { return false }
        record.setUp!.phase = .tearingDown
        record.setUp!.refusal = refusal
        record.state = .stopping
        once(.tearDown)
        return true
    }

    /// Somebody wants it to end while it is set up or torn down.
    ///
    /// - Returns: Whether that was seen to.
    mutating func stopOnce(abort: Bool, reason: String) -> Bool {
        if isTearingDown {
            // Its users have ended already; what was set up stays set up only if somebody insists.
            if abort { endOnce() }
            return true
        }
        guard isSettingUp else { return false }
        if record.stop == nil { event("stopping", "\(reason): the set-up is told to end") }
        record.stop = RunRecord.Stop(abort: abort, reason: reason)
        record.state = .stopping
        endOnce()
        return true
    }
}

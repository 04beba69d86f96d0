import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsReport
import Synchronization

/// Shows a run while it goes on, and passes its hits and figures on.
final class RunDisplay: RunObserver {
    private let console: Console
    private let report: RunReport?
    private let plan: Plan
    private let state = Mutex(State())

    private struct State {
        var shownAt = -Double.infinity
        var stopping = false
        var waitShownAt = -Double.infinity
    }

    /// Seconds between two drawings of the bar, and between two lines where there is no terminal.
    private static let barInterval = 0.2
    private static let lineInterval = 5.0
    private static let waitInterval = 10.0

    init(console: Console, plan: Plan, report: RunReport?) {
        self.console = console
        self.plan = plan
        self.report = report
    }

    /// The run is coming to its end because the one who watches wants it.
    func stopping() { state.withLock { $0.stopping = true } }

    func started() { console.progress("running \(plan.phrase)") }

    func progressed(_ progress: Progress) {
        guard console.showsProgress else { return }
        let interval = console.hasBar ? Self.barInterval : Self.lineInterval
        let stopping = state.withLock { state -> Bool? in
            // A run shorter than the interval of lines needs none.
            if !console.hasBar, state.shownAt < 0 { state.shownAt = 0 }
            guard progress.elapsed - state.shownAt >= interval else { return nil }
            state.shownAt = progress.elapsed
            return state.stopping
        }
        guard let stopping else { return }
        let figures = ProgressFigures(
            elapsed: progress.elapsed, fraction: progress.fraction, remaining: progress.timeLeft,
            iterations: progress.iterations.ended, failedIterations: progress.iterations.failed, hits: progress.hits,
            failedHits: progress.failedHits,
            rate: progress.hits > 0 ? progress.hitRate : progress.iterationRate, latency95: progress.latency95,
            stopping: stopping, thresholds: progress.thresholds)
        if console.hasBar { console.bar(figures.bar) } else { console.note(figures.line) }
    }

    func measured(_ interval: MeasuredInterval) { report?.live.measured(interval) }

    func received(_ hits: [RawHit]) { report?.stream?.write(hits) }

    func waiting(_ what: String, for seconds: Double) {
        guard console.showsProgress else { return }
        let text = "\(what) (\(Int(seconds)) s)"
        if console.hasBar { return console.bar { $0.fitted("  " + text) } }
        let isDue = state.withLock { state in
            // Another wait begins anew.
            if seconds < state.waitShownAt { state.waitShownAt = -.infinity }
            guard seconds - state.waitShownAt >= Self.waitInterval else { return false }
            state.waitShownAt = seconds
            return true
        }
        if isDue { console.note(text) }
    }

    func stopping(_ reason: String) {
        let isNews = state.withLock { state in
            defer { state.stopping = true }
            return !state.stopping
        }
        if isNews { console.note("the run is ending: \(reason)") }
    }

    func noted(_ text: String) { console.note(text) }
}

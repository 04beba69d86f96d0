import LoadsCore
import LoadsTransport
import LoadsWire

/// Follows a runner from its hello to its end. A pure structure: reports in, what to pass on out.
struct RunnerWatch {
    enum Step {
        case started
        case batch(Batch)
        case note(String)
    }

    private var ended: (interrupted: Bool, seconds: Double)?
    private var refusal: (code: Int, message: String)?
    private var iterations = IterationCounts()
    private var hits = 0

    mutating func take(_ report: RunnerReport) -> Step? {
        switch report {
        case .hello: return nil
        case .ready: return nil
        case .started: return .started
        case .batch(let batch):
            iterations.merge(batch.statistics.iterations)
            hits += batch.statistics.names.values.reduce(0) { $0 + $1.count }
            return .batch(batch)
        case .note(let text): return .note(text)
        case .ended(let interrupted, let seconds):
            ended = (interrupted, seconds)
            return nil
        case .refused(let code, let message):
            refusal = (code, message)
            return nil
        }
    }

    /// How the run ended, once the process has, and perhaps a line for the user.
    ///
    /// A process that dies after it has reported its end has lost nothing: that is worth a line, not a crash.
    func end(_ exit: RunnerExit, counters: LiveCounters) -> (RunnerEnd, note: String?) {
        let reason = exit.fault ?? ExitReason.describe(exit.status)
        let note = exit.status == 0 && exit.fault == nil ? nil : "after the run the runner ended badly: \(reason)"
        // A refusal's exit status is the runner's own business.
        if let refusal { return (.refused(code: refusal.code, message: refusal.message), nil) }
        if let ended { return (.finished(interrupted: ended.interrupted, seconds: ended.seconds), note) }
        let crash = RunnerCrash(
            reason: exit.fault ?? (exit.status == 0 ? "it exited before it reported its end" : reason),
            output: exit.output, unreportedStarted: Self.hole(counters.started, iterations.started),
            unreportedEnded: Self.hole(counters.ended, iterations.ended), unreportedHits: Self.hole(counters.hits, hits)
        )
        return (.crashed(crash), nil)
    }

    /// What was counted and not reported. The counters are the runner's to write: anything may stand there.
    private static func hole(_ counted: Int, _ reported: Int) -> Int { max(0, max(0, counted) - reported) }
}

import Glibc
import LoadsCore
import LoadsTransport
import LoadsWire

/// Follows a runner from its hello to its end. A pure structure: events in, what to pass on out.
struct RunnerWatch {
    enum Step {
        case started
        case batch(Batch)
        case note(String)
        case exited(Int32)
    }

    private var ended: (interrupted: Bool, seconds: Double)?
    private var refusal: (code: Int, message: String)?
    private var fault: String?
    private var iterations = IterationCounts()
    private var hits = 0

    mutating func take(_ event: RunnerEvent) -> Step? {
        switch event {
        case .report(.hello): return nil
        case .report(.started): return .started
        case .report(.batch(let batch)):
            iterations.merge(batch.statistics.iterations)
            hits += batch.statistics.names.values.reduce(0) { $0 + $1.count }
            return .batch(batch)
        case .report(.note(let text)): return .note(text)
        case .report(.ended(let interrupted, let seconds)):
            ended = (interrupted, seconds)
            return nil
        case .report(.refused(let code, let message)):
            refusal = (code, message)
            return nil
        case .broken(let message):
            fault = message
            return nil
        case .exited(let status): return .exited(status)
        }
    }

    /// How the run ended, once the process has.
    func end(status: Int32, output: String, counters: LiveCounters) -> RunnerEnd {
        if let refusal { return .refused(code: refusal.code, message: refusal.message) }
        if let ended { return .finished(interrupted: ended.interrupted, seconds: ended.seconds) }
        let reason = fault.map { "it sent something that is no report: \($0)" } ?? Self.describe(status)
        return .crashed(
            RunnerCrash(
                reason: reason, output: output, unreportedStarted: max(0, counters.started - iterations.started),
                unreportedEnded: max(0, counters.ended - iterations.ended),
                unreportedHits: max(0, counters.hits - hits)))
    }

    /// A wait status for a person.
    static func describe(_ status: Int32) -> String {
        let signal = status & 0x7f
        if signal == 0 { return "exit code \((status >> 8) & 0xff)" }
        let name = names[signal].map { " (\($0))" } ?? ""
        return "signal \(signal)\(name)"
    }

    private static let names: [Int32: String] = [
        SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGILL: "SIGILL, often a Swift trap",
        SIGINT: "SIGINT", SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV", SIGTERM: "SIGTERM", SIGTRAP: "SIGTRAP, often a Swift trap",
    ]
}

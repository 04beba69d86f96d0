import LoadsCore
import LoadsWire

/// What an agent has to know of a runner's report; the rest is the master's.
struct ReportHead: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case hello
        case ready
        case started
        case batch
        case note
        case ended(interrupted: Bool, seconds: Double)
        case refused(code: Int, message: String)
    }

    var kind: Kind
    var counts = ReportCounts()
    /// The interval of a batch, in seconds since the start of the run.
    var from: Double = 0
    var to: Double = 0

    init(_ kind: Kind, counts: ReportCounts = ReportCounts(), from: Double = 0, to: Double = 0) {
        self.kind = kind
        self.counts = counts
        self.from = from
        self.to = to
    }

    /// - Throws: ``WireError`` when the bytes are no report.
    init(_ message: [UInt8]) throws(WireError) {
        switch try RunnerReport(decoding: message) {
        case .hello: self.init(.hello)
        case .ready: self.init(.ready)
        case .started: self.init(.started)
        case .batch(let batch): self.init(.batch, counts: ReportCounts(batch), from: batch.from, to: batch.to)
        case .note: self.init(.note)
        case .ended(let interrupted, let seconds): self.init(.ended(interrupted: interrupted, seconds: seconds))
        case .refused(let code, let message): self.init(.refused(code: code, message: message))
        }
    }
}

/// How much was counted: of one batch, or added up.
struct ReportCounts: Sendable, Equatable {
    var started = 0
    var ended = 0
    var hits = 0

    init(started: Int = 0, ended: Int = 0, hits: Int = 0) {
        self.started = started
        self.ended = ended
        self.hits = hits
    }

    init(_ batch: Batch) {
        let iterations = batch.statistics.iterations
        self.init(started: iterations.started, ended: iterations.ended, hits: batch.statistics.hitCount)
    }

    init(_ counters: LiveCounters) {
        self.init(started: counters.started, ended: counters.ended, hits: counters.hits)
    }

    mutating func add(_ other: ReportCounts) {
        started &+= other.started
        ended &+= other.ended
        hits &+= other.hits
    }
}

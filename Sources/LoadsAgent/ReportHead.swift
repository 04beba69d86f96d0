import LoadsCore
import LoadsWire

/// What an agent has to know of a runner's report that it passes on as it is: read without unfolding it.
struct ReportHead: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case hello
        case ready
        case started
        case batch
        case note
        case value
        case ended(interrupted: Bool, seconds: Double)
        case refused(code: Int, message: String)
    }

    var kind: Kind
    /// What a batch counts.
    var counts: ReportCounts
    /// The interval of a batch, in seconds since the start of the run.
    var from: Double
    var to: Double

    init(_ kind: Kind, counts: ReportCounts = ReportCounts(), from: Double = 0, to: Double = 0) {
        self.kind = kind
        self.counts = counts
        self.from = from
        self.to = to
    }

    /// Reads what there is to know of a report.
    ///
    /// - Throws: ``WireError`` when the bytes are no report.
    init(reading bytes: [UInt8]) throws(WireError) {
        if let batch = try BatchReader(report: bytes) {
            self.init(batch)
            return
        }
        switch try RunnerReport(decoding: bytes) {
        case .hello: self.init(.hello)
        case .ready: self.init(.ready)
        case .started: self.init(.started)
        case .batch: self.init(.batch)
        case .note: self.init(.note)
        case .value: self.init(.value)
        case .ended(let interrupted, let seconds): self.init(.ended(interrupted: interrupted, seconds: seconds))
        case .refused(let code, let message): self.init(.refused(code: code, message: message))
        }
    }

    private init(_ batch: BatchReader) {
        let iterations = batch.allIterations
        self.init(
            .batch,
            counts: ReportCounts(started: iterations.started, ended: iterations.ended, hits: batch.allHitCount),
            from: batch.from, to: batch.to)
    }
}

/// Iterations and hits of one batch, or of all of them.
struct ReportCounts: Sendable, Equatable {
    /// Iterations started, and ended in whatever way.
    var started: Int
    var ended: Int
    var hits: Int

    init(started: Int = 0, ended: Int = 0, hits: Int = 0) {
        self.started = started
        self.ended = ended
        self.hits = hits
    }

    mutating func add(_ other: ReportCounts) {
        started &+= other.started
        ended &+= other.ended
        hits &+= other.hits
    }
}

public import LoadsCore
internal import Synchronization

/// Writes a run second by second while it goes on: as CSV, as a log of histograms, or both.
///
/// What cannot be written (the disk is full) is counted; the run goes on.
public final class SeriesWriter: Sendable {
    /// The forms it has.
    public enum Form: Sendable {
        /// Comma-separated values.
        case csv
        /// HdrHistogram's log.
        case histogramLog
    }

    /// Takes bytes, and says what went wrong in the system's words.
    public typealias Sink = @Sendable ([UInt8]) -> String?

    private struct State {
        var csv: SeriesCSV?
        var log: HistogramLog?
        var series = SecondSeries()
        var failure: String?
        var lost = 0
        var hits = 0
        var iterations = 0
        var earlier = 0
        var hasBacklog = false
    }

    /// What became of a file.
    public struct Outcome: Sendable, Equatable {
        /// Why writing ended early; nil when all is there.
        public var failure: String?
        /// Seconds that are missing since.
        public var lostSeconds = 0
        /// Hits of the run that are in no second of the file.
        public var missingHits = 0
        /// Hits from before there was anybody to write them.
        public var earlierHits = 0
        /// Whether the file holds all that the run has measured, once.
        public var isWhole = true
    }

    private let form: Form
    private let sink: Sink
    private let state = Mutex(State())

    /// A writer that writes nothing before the first interval.
    public init(_ form: Form, sink: @escaping Sink) {
        self.form = form
        self.sink = sink
    }

    /// Takes an interval. A backlog has no seconds: it is counted alone.
    public func take(_ interval: MeasuredInterval) {
        state.withLock { state in
            guard !interval.isBacklog else {
                state.hasBacklog = true
                state.earlier += interval.statistics.hitCount
                return
            }
            begin(interval.startedAt, &state)
            put(state.series.take(interval.statistics, from: interval.from, to: interval.to), &state)
        }
    }

    /// Writes what is left.
    public func finish(_ summary: Summary) -> Outcome {
        state.withLock { state in
            begin(summary.startedAt, &state)
            put(state.series.finish(), &state)
            // A run that measured nothing has the first lines alone.
            write(&state)
            return Outcome(
                failure: state.failure, lostSeconds: state.lost,
                missingHits: max(0, summary.statistics.hitCount - state.hits - state.earlier),
                earlierHits: state.earlier,
                isWhole: state.failure == nil && !state.hasBacklog && state.hits == summary.statistics.hitCount
                    && state.iterations == summary.statistics.iterations.ended)
        }
    }

    private func begin(_ start: Double, _ state: inout State) {
        guard state.csv == nil, state.log == nil else { return }
        switch form {
        case .csv: state.csv = SeriesCSV(start: start)
        case .histogramLog: state.log = HistogramLog(start: start)
        }
    }

    private func put(_ seconds: [(second: Int, Statistics)], _ state: inout State) {
        for (second, statistics) in seconds {
            guard state.failure == nil else {
                state.lost += 1
                continue
            }
            state.csv?.add(second: second, statistics)
            if state.log != nil {
                for (name, hits) in statistics.namesByCount where !hits.latency.isEmpty {
                    state.log!.add(hits.latency, tag: name, from: Double(second), length: 1)
                }
            }
            write(&state)
            if state.failure == nil {
                state.hits += statistics.hitCount
                state.iterations += statistics.iterations.ended
            } else {
                state.lost += 1
            }
        }
    }

    private func write(_ state: inout State) {
        let bytes = state.csv?.take() ?? state.log?.take() ?? []
        if !bytes.isEmpty, state.failure == nil { state.failure = sink(bytes) }
    }
}

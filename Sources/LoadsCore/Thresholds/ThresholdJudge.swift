import LoadsEventLoop

/// Judges a run's thresholds while it goes on, and all of it in the end.
///
/// A pure structure: it is fed with what was measured in each second, merged over all agents, and with how far every
/// agent has delivered. A second counts as complete when every agent that runs has delivered past its end; what is not
/// complete ``patience`` seconds later is judged provisionally. Only what is complete can stop a run.
public struct ThresholdJudge: Sendable {
    private var tracks: [ThresholdTrack]
    private var last = Int.max
    private var looked: (complete: Int, due: Int)?
    /// Grows whenever something was judged.
    public private(set) var revision = 0
    /// Changes that were told, by threshold.
    private var told: [Int]

    /// Changes of one threshold that are told while a run goes on: one at its limit may change each second.
    private static let toldLimit = 20
    /// How long a second is waited for, in seconds.
    public static let patience = 5

    /// Something that is to be told.
    public struct Change: Sendable, Equatable {
        /// How the threshold stands now.
        public var result: ThresholdResult
        /// The run is to be stopped at once.
        public var aborts: Bool
    }

    /// - Parameters:
    ///   - warmUp: Where the warm-up ends, in seconds since the start.
    ///   - last: Where the load comes to its end by its plan, likewise; nil when nobody knows.
    public init(_ thresholds: [Threshold] = [], warmUp: Double = 0, last: Int? = nil) {
        tracks = thresholds.map { ThresholdTrack($0, warmUp: max(0, min(warmUp, 1e9))) }
        told = thresholds.map { _ in 0 }
        if let last { self.last = last }
    }

    /// Whether there is no threshold to judge.
    public var isEmpty: Bool { tracks.isEmpty }

    /// The run is coming to its end: windows that end later say nothing of the load.
    public mutating func loadEnds(at elapsed: Double) { last = min(last, Self.whole(elapsed)) }

    /// Goes on with a run that was stopped because of a threshold, before its master was restarted.
    public mutating func restore(_ results: [ThresholdResult]) {
        for index in tracks.indices
        where results.contains(where: { $0.threshold == tracks[index].threshold && $0.aborted }) {
            tracks[index].restoreAborted()
        }
    }

    /// Adds what was measured in a second of the run.
    public mutating func take(_ statistics: Statistics, second: Int) {
        guard !tracks.isEmpty else { return }
        for index in tracks.indices { tracks[index].take(statistics, second: second) }
    }

    /// Judges what is new.
    ///
    /// - Parameters:
    ///   - elapsed: Seconds since the start.
    ///   - delivered: Up to where every agent that still runs has delivered, in seconds since the start.
    /// - Returns: The thresholds whose state is another now.
    public mutating func advance(to elapsed: Double, delivered: Double) -> [Change] {
        guard !tracks.isEmpty else { return [] }
        let complete = Self.whole(delivered)
        let due = Self.whole(elapsed) - Self.patience
        guard looked == nil || looked! != (complete, due) else { return [] }
        looked = (complete, due)
        revision += 1
        var changes: [Change] = []
        for index in tracks.indices {
            let before = tracks[index].result
            let wasAborted = tracks[index].aborted
            tracks[index].advance(complete: complete, due: due, last: last)
            let after = tracks[index].result
            let aborts = tracks[index].aborted && !wasAborted
            let changed = after.state != before.state && (after.state == .breached || before.state == .breached)
            if aborts || changed && told[index] < Self.toldLimit {
                told[index] += 1
                changes.append(Change(result: after, aborts: aborts))
            }
        }
        return changes
    }

    /// How they stand, in the order in which they were given.
    public var results: [ThresholdResult] { tracks.map(\.result) }

    /// The verdict on all that was measured.
    ///
    /// - Parameter duration: Of the run, in seconds.
    public func results(duration: Double) -> [ThresholdResult] {
        tracks.map { $0.final(duration: duration, last: min(last, Self.whole(duration))) }
    }

    private static func whole(_ seconds: Double) -> Int { Int(max(0, min(seconds, 1e9))) }
}

extension ThresholdJudge {
    /// Judges the thresholds of a run under a plan: the warm-up is not looked at, nor are windows behind the plan's end.
    public init(_ thresholds: [Threshold], _ plan: Plan) {
        self.init(
            thresholds, warmUp: plan.warmUp.inSeconds, last: plan.length.map { Self.whole($0.inSeconds) })
    }
}

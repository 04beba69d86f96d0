import LoadsCore
import LoadsEventLoop
import Synchronization

/// What the simulated agents do.
final class Scenario: Sendable {
    let agents: Int
    let seconds: Double
    let batches: Batches
    /// Between two batches; nil is what the master wants.
    private let interval: Duration?
    /// Whether single hits are followed to a subscriber.
    private let probes: Bool
    /// Hits that are followed so far.
    private let followed = Atomic<Int>(0)

    init(agents: Int, seconds: Double, batches: Batches, interval: Duration? = nil, probes: Bool = false) {
        self.agents = agents
        self.seconds = seconds
        self.batches = batches
        self.interval = interval
        self.probes = probes
    }

    /// The pause before the next batch. Where hits are followed it varies: the batches then have every possible distance
    /// to the master's own turns, not by chance a good or a bad one for the whole run.
    func pause(_ wanted: Duration) -> Duration {
        let pause = interval ?? wanted
        return probes ? pause + .microseconds(Int64.random(in: -20_000...20_000)) : pause
    }

    /// The name of a hit of this batch that is followed: the moment at which it happened, somewhere in the batch's
    /// interval. Each agent's turn comes in every so many batches.
    func probe(_ batch: Int, of agent: Int, from: Double, to: Double, start: Instant) -> String? {
        // A run has a thousand names at most.
        guard probes, batch > 5, batch % agents == agent % agents,
            followed.add(1, ordering: .relaxed).newValue < 800
        else { return nil }
        return "at-\(start.advanced(by: .seconds(Double.random(in: from...to))).nanoseconds)"
    }
}
